use kopfrs::testing::Cluster;

#[kopfrs::test]
fn not_async(cluster: Cluster) {}

#[kopfrs::test]
async fn without_a_cluster() {}

#[kopfrs::test]
async fn two_arguments(cluster: Cluster, other: u8) {}

#[kopfrs::test]
async fn generic<T>(cluster: Cluster) {}

#[kopfrs::test]
#[tokio::test]
async fn twice(cluster: Cluster) {}

#[kopfrs::test]
struct NoFunction;

fn main() {}
