//! Servers that are away for a while.

use futures::{FutureExt, TryStreamExt};
use kopfrs_sandbox::{Sandbox, fault::Faults};
use kube::{Client, api::WatchParams};

use crate::subject::{both_ways, is_broken};

#[test]
fn a_server_that_is_down_breaks_watches_and_refuses_requests() {
    both_ways(|subject| {
        async move {
            let maps = subject.maps();
            let events = maps.0.watch(&WatchParams::default(), "0").await;
            let events = events.expect("watching");
            subject.faults.take_down();
            // As an error or as an end: clients differ in what they make of a connection that is cut.
            let _ = events.try_collect::<Vec<_>>().await;
            let refused = maps.create("a").await;
            assert!(is_broken(&refused), "{refused:?}");
            assert_eq!(subject.journal.open_watches(), 0);

            subject.faults.bring_up();
            assert!(!subject.truth().exists("a").await);
            assert!(maps.create("a").await.is_ok());
        }
        .boxed()
    });
}

#[tokio::test]
async fn a_sandbox_on_a_port_goes_down_as_well() {
    let sandbox = Sandbox::new();
    let server = sandbox.serve().await.expect("serving");
    let mut config = server.config();
    config.default_retry = false;
    let client = Client::try_from(config).expect("a client");
    client.apiserver_version().await.expect("a version");
    assert_eq!(sandbox.journal().open_connections(), 1);

    let faults: Faults = sandbox.faults();
    faults.take_down();
    sandbox
        .journal()
        .until(|journal| journal.open_connections() == 0)
        .await;
    let refused = client.apiserver_version().await;
    assert!(is_broken(&refused), "{refused:?}");
    faults.bring_up();
    client.apiserver_version().await.expect("a version");
    assert_eq!(sandbox.journal().accepted_connections(), 2);
}
