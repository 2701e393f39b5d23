use kopfrs::testing::Cluster;

#[kopfrs::test(wires)]
async fn unknown(cluster: Cluster) {}

#[kopfrs::test(namespace = "x")]
async fn unlike_any(cluster: Cluster) {}

#[kopfrs::test(wire = true)]
async fn a_value_too_many(cluster: Cluster) {}

#[kopfrs::test(backend = "kind")]
async fn no_backend(cluster: Cluster) {}

#[kopfrs::test(time = "stopped")]
async fn no_time(cluster: Cluster) {}

#[kopfrs::test(wire, time = "paused")]
async fn time_over_a_wire(cluster: Cluster) {}

#[kopfrs::test(backend = "sandbox", time = "paused")]
async fn time_over_tls(cluster: Cluster) {}

#[kopfrs::test(flavor = "multi_thread", time = "paused")]
async fn time_on_threads(cluster: Cluster) {}

#[kopfrs::test(wire, backend = "in-process")]
async fn a_wire_into_the_process(cluster: Cluster) {}

#[kopfrs::test(worker_threads = 2)]
async fn threads_without_a_flavor(cluster: Cluster) {}

#[kopfrs::test(flavor = "multi_thread", worker_threads = 0)]
async fn no_threads(cluster: Cluster) {}

fn main() {}
