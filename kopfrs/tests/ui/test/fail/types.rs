#[kopfrs::test]
async fn no_cluster(cluster: u8) {}

fn main() {}
