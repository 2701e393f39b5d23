use std::sync::Mutex;

use kopfrs::handler::AdmissionError;
use kube::api::{DeleteParams, Patch as ApiPatch, PatchParams, PostParams};

use super::*;

fn validate() -> on::Builder<on::Validate> {
    on::validate::<Ticket>().id("check")
}

#[kopfrs::test]
async fn what_is_refused_is_not_stored(cluster: Cluster) {
    let check = async |ticket: Arc<Ticket>| {
        if ticket.spec.size < 0 {
            return Err(AdmissionError::new("spec.size must not be negative").code(422));
        }
        Ok(())
    };
    let (tickets, operator) = start(&cluster, Registry::new().add(validate().run(check))).await;
    let api = api(&cluster);
    let refused = refusal(api.create(&PostParams::default(), &ticket("bad", -1)).await);
    assert_eq!(refused.0, 422);
    assert!(
        refused
            .1
            .ends_with("denied the request: spec.size must not be negative"),
        "{refused:?}"
    );
    assert!(tickets.find("bad").await.is_none());

    tickets.create(&ticket("good", 1)).await;
    let merge = ApiPatch::Merge(json!({"spec": {"size": -2}}));
    let refused = refusal(api.patch("good", &PatchParams::default(), &merge).await);
    assert_eq!(refused.0, 422);
    assert_eq!(tickets.get("good").await.spec.size, 1);
    operator.stop().await;
    // Nobody is asked any more.
    tickets.create(&ticket("bad", -1)).await;
}

#[kopfrs::test]
async fn what_is_mutated_is_stored_that_way(cluster: Cluster) {
    let mutate = async |patch: Patch| {
        patch.label("was", "here");
        patch.spec(json!({"size": 7}));
        patch.transform(|body| {
            if let Some(list) = body["spec"]["list"].as_array_mut() {
                list.insert(0, json!(0));
            }
        });
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let check = move |ticket: Arc<Ticket>| {
        noted.lock().unwrap().push(ticket.spec.size);
        std::future::ready(())
    };
    let mutating = on::mutate::<Ticket>()
        .id("mutate")
        .operations([Operation::Create]);
    let handlers = Registry::new()
        .add(mutating.run(mutate))
        .add(validate().run(check));
    let (tickets, operator) = start(&cluster, handlers).await;
    let mut made = ticket("a", 1);
    made.spec.list = vec![1];
    let made = tickets.create(&made).await;
    assert_eq!((made.spec.size, &*made.spec.list), (7, &[0, 1][..]));
    assert_eq!(made.labels().get("was").map(String::as_str), Some("here"));
    tickets.merge("a", json!({"spec": {"size": 2}})).await;
    assert_eq!(*seen.lock().unwrap(), [7, 2]);
    operator.stop().await;
}

#[kopfrs::test]
async fn arguments_tell_everything_about_the_request(cluster: Cluster) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let check = move |call: Arc<Invocation<AdmissionCause>>| {
        let cause = &call.cause;
        let size =
            |body: &Option<Arc<Value>>| body.as_ref().map(|body| body["spec"]["size"].clone());
        noted.lock().unwrap().push(json!({
            "operation": cause.operation.as_str(), "subresource": cause.subresource.as_deref(),
            "dryrun": cause.dryrun, "old": size(&cause.old), "new": size(&cause.new),
            "body": cause.body.spec()["size"], "diff": cause.diff.reduce(&"spec".parse().unwrap()).to_string(),
        }));
        assert!(!cause.userinfo.username.is_empty());
        assert!(cause.headers.get("content-type").is_some());
        assert!(cause.sslpeer.certificate().is_none());
        std::future::ready(())
    };
    let handlers = Registry::new().add(validate().subresource("*").run(check));
    let (tickets, operator) = start(&cluster, handlers).await;
    let api = api(&cluster);
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    api.create(&dry, &ticket("a", 1)).await.unwrap();
    tickets.create(&ticket("a", 1)).await;
    tickets.merge("a", json!({"spec": {"size": 2}})).await;
    tickets
        .merge_status("a", json!({"status": {"phase": "x"}}))
        .await;
    api.delete("a", &DeleteParams::default()).await.unwrap();
    let row = |operation: &str,
               subresource: Value,
               dryrun: bool,
               (old, new): (Value, Value),
               diff: &str| {
        let body = if new.is_null() {
            old.clone()
        } else {
            new.clone()
        };
        json!({
            "operation": operation, "subresource": subresource, "dryrun": dryrun, "old": old, "new": new,
            "body": body, "diff": diff,
        })
    };
    let expected = [
        row(
            "CREATE",
            Value::Null,
            true,
            (Value::Null, json!(1)),
            "{\"size\":1} added",
        ),
        row(
            "CREATE",
            Value::Null,
            false,
            (Value::Null, json!(1)),
            "{\"size\":1} added",
        ),
        row(
            "UPDATE",
            Value::Null,
            false,
            (json!(1), json!(2)),
            "size: 1 → 2",
        ),
        row("UPDATE", json!("status"), false, (json!(2), json!(2)), ""),
        row(
            "DELETE",
            Value::Null,
            false,
            (json!(2), Value::Null),
            "{\"size\":2} removed",
        ),
    ];
    let mut seen = seen.lock().unwrap().clone();
    let mut expected = expected;
    for row in seen.iter_mut().chain(&mut expected) {
        if row["old"].is_null() || row["new"].is_null() {
            // How additions of whole parts are told is no matter here.
            row["diff"].take();
        }
    }
    for expected in &expected {
        // A server that has asked with what it knew of the object a moment ago asks again with what is so.
        let is_again = |row: &Value| row["operation"] == expected["operation"] && row != expected;
        while seen.first().is_some_and(is_again)
            && seen[0]["subresource"] == expected["subresource"]
        {
            seen.remove(0);
        }
        assert_eq!(seen.first(), Some(expected));
        while seen.first() == Some(expected) {
            seen.remove(0);
        }
    }
    assert_eq!(seen, Vec::<Value>::new());
    operator.stop().await;
}

#[kopfrs::test]
async fn the_weightiest_refusal_is_told_and_all_are_called(cluster: Cluster) {
    let called = Arc::new(Mutex::new(Vec::new()));
    let (one, two, three) = (called.clone(), called.clone(), called.clone());
    let accident = move |warnings: Warnings| {
        one.lock().unwrap().push("accident");
        warnings.push("careful");
        std::future::ready(Err::<(), _>(std::io::Error::other("oh")))
    };
    let panicking = move || -> std::future::Ready<()> {
        two.lock().unwrap().push("panic");
        panic!("no")
    };
    let purpose = move || {
        three.lock().unwrap().push("purpose");
        std::future::ready(Err::<(), _>(AdmissionError::new("on purpose").code(403)))
    };
    // Under one id they are one webhook: each is asked for by its own path.
    let handlers = Registry::new()
        .add(validate().id("accident").run(accident))
        .add(validate().id("panicking").run(panicking))
        .add(validate().id("purpose").run(purpose));
    let (_, operator) = start(&cluster, handlers).await;
    let refused = refusal(
        api(&cluster)
            .create(&PostParams::default(), &ticket("a", 1))
            .await,
    );
    assert!([403, 500].contains(&refused.0), "{refused:?}");
    let mut called = called.lock().unwrap().clone();
    called.sort_unstable();
    assert_eq!(called, ["accident", "panic", "purpose"]);
    operator.stop().await;
}

#[kopfrs::test]
async fn filters_that_the_api_server_cannot_check_are_checked_here(cluster: Cluster) {
    let refuse = async || Err::<(), _>(AdmissionError::new("refused"));
    let handler = validate()
        .label("tier", "web")
        .annotation("note", |note: Option<&str>| note == Some("x"))
        .field("spec.size".parse().unwrap())
        .value(|size: Option<&Value>| size.and_then(Value::as_i64) > Some(5))
        .when(|cause: &AdmissionCause| cause.body.name().starts_with('r'))
        .run(refuse);
    let (tickets, operator) = start(&cluster, Registry::new().add(handler)).await;
    let make = |name: &str, size: i64, tier: &str, note: &str| {
        let mut made = ticket(name, size);
        made.labels_mut().insert("tier".to_owned(), tier.to_owned());
        made.annotations_mut()
            .insert("note".to_owned(), note.to_owned());
        made
    };
    for (index, made) in [
        make("r1", 9, "db", "x"),
        make("r2", 9, "web", "y"),
        make("r3", 1, "web", "x"),
        make("s4", 9, "web", "x"),
    ]
    .iter()
    .enumerate()
    {
        tickets.create(made).await;
        assert!(operator.calls().is_empty(), "{index}");
    }
    let all = make("r5", 9, "web", "x");
    let refused = refusal(api(&cluster).create(&PostParams::default(), &all).await);
    assert_eq!(refused.0, 500);
    operator.stop().await;
}

#[kopfrs::test]
async fn memories_of_objects_are_shared_with_other_handlers(cluster: Cluster) {
    let remember = async |memo: kopfrs::extract::Memo<Vec<String>>| {
        memo.update(|all| all.push("created".to_owned()));
    };
    let tell = async |memo: kopfrs::extract::Memo<Vec<String>>, warnings: Warnings| {
        warnings.push(memo.get().join(","));
        memo.update(|all| all.push("reviewed".to_owned()));
    };
    let all = Arc::new(Mutex::new(Vec::new()));
    let noted = all.clone();
    let look = move |memo: kopfrs::extract::Memo<Vec<String>>| {
        noted.lock().unwrap().push(memo.get());
        std::future::ready(())
    };
    let handlers = Registry::new()
        .add(on::create::<Ticket>().id("remember").run(remember))
        .add(on::update::<Ticket>().id("look").run(look))
        .add(validate().run(tell));
    let (tickets, operator) = start(&cluster, handlers).await;
    tickets.create(&ticket("a", 1)).await;
    operator.until_settled().await;
    tickets.merge("a", json!({"spec": {"size": 2}})).await;
    operator.until_called("look").await;
    let seen = all.lock().unwrap()[0].clone();
    assert_eq!(seen[..2], ["created", "reviewed"]);
    operator.stop().await;
}
