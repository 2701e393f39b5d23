//! Credentials that end while the operator is at work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use kopfrs::prelude::*;
use kopfrs_sandbox::{OpenWatches, Proxy};
use kopfrs_tests::backend::Cluster;

use super::station::Station;

/// Who hands out tokens: each login gets a new one.
#[derive(Clone, Default)]
struct Desk {
    token: Arc<Mutex<String>>,
    logins: Arc<AtomicUsize>,
}

impl Desk {
    fn login(&self, proxy: &Proxy) -> Credentials {
        let token = proxy.tokens().issue("operator", ["system:masters"]);
        self.logins.fetch_add(1, Ordering::SeqCst);
        let credentials = Credentials::new(proxy.config_with_token(&token));
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

async fn check(watches: OpenWatches) {
    const OBJECTS: usize = 20;
    let station = Station::new("logins").await;
    let proxy = Arc::new(station.proxy().await);
    let desk = Desk::default();
    let login = {
        let (desk, proxy) = (desk.clone(), proxy.clone());
        move || std::future::ready(Ok::<_, HandlerError>(desk.login(&proxy)))
    };
    let registry = station.registry().add(on::login().id("login").run(login));
    let running = station
        .start_built(Operator::builder().registry(registry))
        .await;
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
        assert!(proxy.tokens().revoke(&desk.token(), watches));
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
            assert_eq!(station.calls.of(&name(number)), ["create/0"]);
        }
    }
    running.stop().await;
    station.leave().await;
}

#[test]
fn a_revoked_token_leads_to_one_login_and_no_event_is_lost() {
    Cluster::get().block_on(async {
        tokio::join!(check(OpenWatches::End), check(OpenWatches::Keep));
    });
}
