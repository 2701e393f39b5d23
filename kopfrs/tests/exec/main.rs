//! Programs as handlers: on this machine, and on a cluster where the test plays the kubelet.

mod adoption;
#[cfg(unix)]
mod ends;
mod jobs;
mod lifecycles;
mod pods;
#[cfg(unix)]
mod processes;
#[cfg(unix)]
mod secrets;
mod subject;
mod troubles;
