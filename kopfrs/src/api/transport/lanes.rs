//! Streams over HTTP/2: a few connections of their own, each with a bounded number of streams.
//!
//! Servers take about a hundred streams on one connection, and what comes after them waits in silence.
//! Watches never end, so they would wait for ever: each connection gets fewer than any server takes,
//! and where a server takes still fewer, that is found out and remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use kube::client::Body;

use super::Route;
use super::dialer::{Dialer, Stream};
use super::held::Held;
use super::wire::Http2;

/// How many streams one connection carries.
pub(super) const ROOM: usize = 32;

/// Connections that are opened as they are needed.
pub(super) struct Lanes {
    open: Mutex<Vec<Arc<Lane>>>,
    dialer: Dialer,
    http2: Http2,
}

/// One connection with its streams.
struct Lane {
    client: Client<Dialer, Body>,
    load: Mutex<Load>,
    dialer: Dialer,
}

struct Load {
    open: usize,
    room: usize,
}

/// A place on a lane.
pub(super) struct Seat {
    lane: Arc<Lane>,
    is_answered: bool,
}

impl Lanes {
    pub(super) fn new(dialer: Dialer, http2: Http2) -> Self {
        Self {
            open: Mutex::default(),
            dialer,
            http2,
        }
    }

    /// Gives a connection for the next lane to begin with.
    pub(super) fn prime(&self, stream: Stream) {
        self.lane_without_streams().dialer.prime(stream);
    }

    pub(super) async fn send(
        &self,
        request: Request<Body>,
        route: Route,
    ) -> Result<Response<Held<Incoming, Seat>>, Error> {
        let mut seat = self.seat();
        // Whoever gives up waiting drops the seat without an answer: see there. It says nothing about
        // the connection where answers may come late.
        seat.is_answered = route != Route::Stream;
        let response = seat.lane.client.request(request).await;
        seat.is_answered = true;
        response.map(|response| response.map(|body| Held::new(body, Some(seat))))
    }

    fn seat(&self) -> Seat {
        let mut lanes = self.lanes();
        let free = lanes.iter().find(|lane| lane.take()).cloned();
        let lane = free.unwrap_or_else(|| {
            let lane = self.lane();
            lane.take();
            lanes.retain(|lane| lane.load().open > 0);
            lanes.push(lane.clone());
            lane
        });
        Seat {
            lane,
            is_answered: false,
        }
    }

    fn lane_without_streams(&self) -> Arc<Lane> {
        let mut lanes = self.lanes();
        let idle = lanes.iter().find(|lane| lane.load().open == 0).cloned();
        idle.unwrap_or_else(|| {
            let lane = self.lane();
            lanes.push(lane.clone());
            lane
        })
    }

    fn lane(&self) -> Arc<Lane> {
        let dialer = self.dialer.for_http2();
        Arc::new(Lane {
            client: self.http2.client(dialer.clone()),
            load: Mutex::new(Load {
                open: 0,
                room: ROOM,
            }),
            dialer,
        })
    }

    fn lanes(&self) -> MutexGuard<'_, Vec<Arc<Lane>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> bool {
        let mut load = self.load();
        let is_free = load.open < load.room;
        load.open += usize::from(is_free);
        is_free
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut load = self.lane.load();
        load.open -= 1;
        if !self.is_answered && load.open > 0 {
            // The others are served and this one was not: the server takes no more on one connection.
            load.room = load.room.min(load.open);
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::Config;

    use super::*;
    use crate::settings::NetworkingSettings;

    fn lanes() -> Lanes {
        // Whoever comes second finds it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = Config::new("https://127.0.0.1:1".parse().unwrap());
        config.accept_invalid_certs = true;
        let settings = NetworkingSettings::default();
        let dialer = Dialer::new(&config, &settings, None).unwrap();
        Lanes::new(dialer, Http2::new(&settings))
    }

    fn answered(lanes: &Lanes) -> Seat {
        let mut seat = lanes.seat();
        seat.is_answered = true;
        seat
    }

    #[test]
    fn a_lane_that_is_full_is_followed_by_another() {
        let lanes = lanes();
        let seats: Vec<_> = (0..=ROOM).map(|_| answered(&lanes)).collect();
        assert_eq!(lanes.lanes().len(), 2);
        assert!(Arc::ptr_eq(&seats[0].lane, &seats[ROOM - 1].lane));
        assert!(!Arc::ptr_eq(&seats[0].lane, &seats[ROOM].lane));
        drop(seats);
        let seat = answered(&lanes);
        assert!(Arc::ptr_eq(&seat.lane, &lanes.lanes()[0]));
    }

    #[test]
    fn a_server_that_takes_fewer_streams_is_found_out() {
        let lanes = lanes();
        let served = [answered(&lanes), answered(&lanes)];
        // The third one waits until nobody wants it any more; it tries again elsewhere.
        drop(lanes.seat());
        let third = answered(&lanes);
        assert!(!Arc::ptr_eq(&third.lane, &served[0].lane));
        let [first, _second] = served;
        drop(first);
        let again = answered(&lanes);
        assert_eq!(again.lane.load().open, 2, "there is room for two");
    }
}
