//! What happens around the work: two handlers of the start, a login, two probes, a handler of the end; and tasks
//! of the operator's own, which are shared by a state and ended in order.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use kopfrs::prelude::*;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// A task for each pod. No handler is one of them: they run on between events.
struct Tasks {
    running: Mutex<HashMap<String, JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

#[on::startup]
async fn startup_fn_simple() -> State<Tasks> {
    info!("making room for tasks");
    State(Tasks::new())
}

#[on::startup]
async fn startup_fn_retried(retry: u32) -> Result<(), TemporaryError> {
    if retry < 3 {
        let message = format!("to succeed after {} more attempts", 3 - retry);
        return Err(TemporaryError::after_secs(message, 1));
    }
    info!("ready after {retry} failures");
    Ok(())
}

/// The credentials that are found anyway; those of your own, as a `kube::Config`, do as well.
#[on::login(errors = permanent)]
async fn login_fn() -> Result<Credentials> {
    info!("logging in");
    Ok(login::infer().await?)
}

/// `curl localhost:8080/healthz`, with `--admin :8080`.
#[on::probe(id = "now")]
fn get_current_timestamp() -> String {
    Timestamp::now().to_string()
}

#[on::probe(id = "tasks")]
#[expect(clippy::needless_pass_by_value, reason = "handlers get their own")]
fn count_tasks(tasks: State<Tasks>) -> usize {
    tasks.count()
}

#[on::event(Pod)]
async fn pod_task(body: &Body, event_type: EventType, tasks: State<Tasks>) {
    match event_type {
        EventType::Deleted => tasks.abort(body.uid()),
        _ => tasks.ensure(body.uid(), &body.key().to_string()),
    }
}

#[on::cleanup]
async fn cleanup_fn(tasks: State<Tasks>) {
    let count = tasks.stop().await;
    info!("all tasks have ended: {count}");
}

impl Tasks {
    fn new() -> Self {
        Self {
            running: Mutex::default(),
            stop: watch::Sender::new(false),
        }
    }

    /// Starts the task of a pod, unless it runs already.
    fn ensure(&self, uid: &str, pod: &str) {
        let start = || tokio::spawn(serve(pod.to_owned(), self.stop.subscribe()));
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.entry(uid.to_owned()).or_insert_with(start);
    }

    fn count(&self) -> usize {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.len()
    }

    fn abort(&self, uid: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = running.remove(uid) {
            task.abort();
        }
    }

    /// Ends all tasks; gives how many there were.
    async fn stop(&self) -> usize {
        self.stop.send_replace(true);
        let running =
            std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let count = running.len();
        for task in running.into_values() {
            // One that has panicked has ended as well.
            let _ = task.await;
        }
        count
    }
}

async fn serve(pod: String, mut stop: watch::Receiver<bool>) {
    loop {
        info!("{pod} is served by a task of its own");
        tokio::select! {
            () = sleep(Duration::from_secs(5)) => {}
            // It also ends when there is nobody left who could stop it.
            _ = stop.wait_for(|is_stopped| *is_stopped) => break,
        }
    }
    info!("{pod} is served no more");
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_start_succeeds_at_last() {
        let mut attempts = Vec::new();
        for retry in 0..4 {
            attempts.push(startup_fn_retried(retry).await.is_ok());
        }
        assert_eq!(attempts, [false, false, false, true]);
    }

    #[tokio::test]
    async fn a_pod_has_one_task_which_ends_with_it_or_with_the_operator() {
        let tasks = Tasks::new();
        tasks.ensure("1", "default/a");
        tasks.ensure("1", "default/a");
        tasks.ensure("2", "default/b");
        assert_eq!(tasks.count(), 2);
        tasks.abort("1");
        assert_eq!(tasks.stop().await, 1);
    }
}
