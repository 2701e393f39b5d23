//! A relay between an operator and its server, over TCP: counts connections, breaks and freezes them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use kopfrs::api::Credentials;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

#[derive(Clone, Default)]
struct Count {
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// The two ends of a connection.
type Pair = (TcpStream, TcpStream);

/// Forwards bytes until it is dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    count: Count,
    connections: Arc<Mutex<Vec<tokio::task::AbortHandle>>>,
    /// Both ends of connections that nobody forwards anything for any more.
    frozen: Mutex<Vec<Arc<Pair>>>,
    open: Arc<Mutex<Vec<Weak<Pair>>>>,
    _accepting: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, connections) = (Count::default(), Arc::<Mutex<Vec<_>>>::default());
        let open = Arc::<Mutex<Vec<_>>>::default();
        let mut accepting = JoinSet::new();
        let (counting, kept, held) = (count.clone(), connections.clone(), open.clone());
        accepting.spawn(async move {
            let mut tasks = JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(server).await.unwrap();
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let pair = Arc::new((near, far));
                held.lock().unwrap().push(Arc::downgrade(&pair));
                let seat = counting.take();
                let task = tasks.spawn(async move {
                    let _seat = seat;
                    tokio::select! {
                        () = forward(&pair.0, &pair.1) => {}
                        () = forward(&pair.1, &pair.0) => {}
                    }
                });
                kept.lock().unwrap().push(task);
            }
        });
        Self {
            address,
            count,
            connections,
            frozen: Mutex::default(),
            open,
            _accepting: accepting,
        }
    }

    /// Credentials that lead through the relay.
    pub(crate) fn credentials(&self, mut config: kube::Config) -> Credentials {
        config.cluster_url = format!("https://{}", self.address).parse().unwrap();
        Credentials::new(config)
    }

    /// The highest number of connections at once.
    pub(crate) fn most_open(&self) -> usize {
        self.count.most.load(Ordering::SeqCst)
    }

    /// The number of connections now.
    pub(crate) fn open(&self) -> usize {
        self.count.open.load(Ordering::SeqCst)
    }

    /// Breaks all connections that are open.
    pub(crate) fn reset(&self) {
        for task in self.connections.lock().unwrap().drain(..) {
            task.abort();
        }
    }

    /// Forwards nothing any more on the connections that are open, and does not close them.
    pub(crate) fn freeze(&self) {
        let open: Vec<_> = self.open.lock().unwrap().drain(..).collect();
        let open = open.iter().filter_map(Weak::upgrade);
        self.frozen.lock().unwrap().extend(open);
        for task in self.connections.lock().unwrap().drain(..) {
            task.abort();
        }
    }
}

async fn forward(from: &TcpStream, to: &TcpStream) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        from.readable().await.unwrap();
        let count = match from.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        let mut rest = &buffer[..count];
        while !rest.is_empty() {
            to.writable().await.unwrap();
            match to.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

impl Count {
    fn take(&self) -> Seat {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(open, Ordering::SeqCst);
        Seat(self.clone())
    }
}

struct Seat(Count);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
