//! Credentials that end while the operator is at work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use kopfrs::prelude::*;
use kopfrs::testing::{Cluster, Gate, OpenWatches};

use super::station::{Station, calls_of, handlers};

/// Who hands out tokens: each login gets a new one.
#[derive(Clone, Default)]
struct Desk {
    token: Arc<Mutex<String>>,
    logins: Arc<AtomicUsize>,
}

impl Desk {
    fn login(&self, gate: &Gate) -> Credentials {
        let token = gate.tokens().issue("operator", ["system:masters"]);
        self.logins.fetch_add(1, Ordering::SeqCst);
        let credentials = gate.credentials_with_token(&token);
        *self.token.lock().expect("nobody panics with it") = token;
        credentials
    }

    fn token(&self) -> String {
        self.token.lock().expect("nobody panics with it").clone()
    }

    fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }
}

async fn check(cluster: Cluster, watches: OpenWatches) {
    const OBJECTS: usize = 20;
    let station = Station::new(cluster).await;
    let gate = station.cluster.gate().await;
    let desk = Desk::default();
    let login = {
        let (desk, gate) = (desk.clone(), gate.clone());
        move || std::future::ready(Ok::<_, HandlerError>(desk.login(&gate)))
    };
    let handlers = handlers().add(on::login().id("login").run(login));
    let operator = station.operator().handlers(handlers).by_login();
    let operator = operator.through(&gate).start().await;
    assert_eq!(desk.logins(), 1);
    for round in 1..=3 {
        let name = |number: usize| format!("gauge-{round}-{number}");
        // What happens at the same moment, just before and just after.
        let half = OBJECTS / 2;
        let before = (0..half).map(|number| {
            let (station, name) = (&station, name(number));
            async move { station.create(&name, 1).await }
        });
        join_all(before).await;
        assert!(gate.tokens().revoke(&desk.token(), watches));
        let after = (half..OBJECTS).map(|number| {
            let (station, name) = (&station, name(number));
            async move { station.create(&name, 1).await }
        });
        join_all(after).await;
        station.until_calm(round * OBJECTS).await;
        assert_eq!(
            desk.logins(),
            1 + round,
            "one login for all that were refused"
        );
        for number in 0..OBJECTS {
            assert_eq!(calls_of(&operator, &name(number)), ["create/0"]);
        }
    }
    operator.stop().await;
}

#[kopfrs::test]
async fn a_revoked_token_leads_to_one_login_and_no_event_is_lost(cluster: Cluster) {
    check(cluster, OpenWatches::End).await;
}

#[kopfrs::test]
async fn the_same_where_open_watches_stay_open(cluster: Cluster) {
    check(cluster, OpenWatches::Keep).await;
}
