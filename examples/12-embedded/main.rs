//! An operator inside of another program: in a thread of its own, with texts that the program gives it.

use std::error::Error;
use std::sync::mpsc;
use std::thread;

use kopfrs::operator::OperatorError;
use kopfrs::prelude::*;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// What the operator is to say. The memo of each object begins as a copy of the operator's.
#[derive(Clone, Default)]
struct Templates {
    create: String,
    delete: String,
}

#[on::create("kopfexamples")]
async fn create_fn(memo: Memo<Templates>, name: &str) {
    println!("{}", memo.get().create.replace("{name}", name));
}

#[on::delete("kopfexamples")]
async fn delete_fn(memo: Memo<Templates>, name: &str) {
    println!("{}", memo.get().delete.replace("{name}", name));
}

/// The operator, until it is told to stop.
async fn operate(
    ready: mpsc::Sender<()>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), OperatorError> {
    let templates = Templates {
        create: "Hello, {name}!".to_owned(),
        delete: "Good bye, {name}!".to_owned(),
    };
    let operator = Operator::builder()
        .registry(Registry::module(module_path!()))
        .namespace(namespace())
        .memo(templates)
        .on_ready(move |_| ready.send(()).unwrap_or_default())
        .stop_when(async { drop(stopped.await) })
        .build()?;
    operator.run().await
}

/// Where the program works.
fn namespace() -> String {
    std::env::var("NAMESPACE").unwrap_or_else(|_| "default".to_owned())
}

/// What the program is for: it makes an object, and removes it.
async fn step(number: u32) -> Result<(), Box<dyn Error>> {
    let kind = GroupVersionKind::gvk("kopf.dev", "v1", "KopfExample");
    let kind = ApiResource::from_gvk(&kind);
    let client = Client::try_default().await?;
    let examples = Api::<DynamicObject>::namespaced_with(client, &namespace(), &kind);
    let name = format!("kopf-example-{number}");
    let object = DynamicObject::new(&name, &kind);
    examples.create(&PostParams::default(), &object).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    examples.delete(&name, &DeleteParams::default()).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("Starting the main app.");
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let operator = thread::spawn(move || {
        let runtime = Runtime::new().expect("a runtime can be made");
        runtime.block_on(operate(ready, stopped))
    });
    // If this fails, the operator has ended: why is told below.
    if is_ready.recv().is_ok() {
        let runtime = Runtime::new()?;
        for number in 0..3 {
            println!("Do the main app activity here. Step {}/3.", number + 1);
            runtime.block_on(step(number))?;
        }
    }
    println!("Exiting the main app.");
    drop(stop);
    operator.join().expect("the operator does not panic")?;
    Ok(())
}
