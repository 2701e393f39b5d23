//! Calls over the network while tokio's time is paused.
//!
//! A paused clock jumps to the next timer whenever nothing else is to be done. To it, waiting for a socket is having
//! nothing to do: every call would time out at once. So while a call is out, a paused clock goes at the pace of real
//! time. A blocking task keeps it from jumping for a moment, then a timer lets it go on by as much. Under a clock that is
//! not paused all of this ends after the first look at it.

use std::{pin::pin, time::Duration};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    time::Instant,
};

const STEP: Duration = Duration::from_millis(1);

/// Waits for a call, with the clock and the network in step.
pub(super) async fn in_step<F: Future>(call: F) -> F::Output {
    // Only runtimes of one thread can be paused.
    if Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
        return call.await;
    }
    let mut call = pin!(call);
    loop {
        tokio::select! {
            biased;
            output = &mut call => return output,
            () = step() => {}
        }
    }
}

/// Lets real time pass, and then as much of a paused clock; never ends when the clock moves by itself.
async fn step() {
    let before = Instant::now();
    // Whether it ran is of no interest: the runtime may be shutting down.
    let _ = tokio::task::spawn_blocking(|| std::thread::sleep(STEP)).await;
    if Instant::now() > before {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(STEP).await;
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// What a server on another thread answers after some real time.
    async fn asked() -> u8 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let listener = listener.into_std().expect("a socket");
        let server = std::thread::spawn(move || {
            use std::io::Write;
            listener.set_nonblocking(false).expect("a socket");
            let (mut stream, _) = listener.accept().expect("a client");
            stream.write_all(&[7]).expect("a client");
        });
        let mut stream = TcpStream::connect(address).await.expect("a server");
        let mut answer = [0];
        stream.read_exact(&mut answer).await.expect("an answer");
        stream.shutdown().await.expect("an end");
        server.join().expect("a server");
        answer[0]
    }

    #[tokio::test(start_paused = true)]
    async fn calls_get_through_while_time_is_paused() {
        let timeout = Duration::from_secs(10);
        let answer = in_step(tokio::time::timeout(timeout, asked())).await;
        assert_eq!(answer, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn timers_go_on_meanwhile() {
        let timeout = Duration::from_millis(20);
        let never = std::future::pending::<()>();
        assert!(in_step(tokio::time::timeout(timeout, never)).await.is_err());
    }
}
