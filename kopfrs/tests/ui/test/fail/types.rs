#[kopfrs::test]
async fn no_cluster(_cluster: u8) {}

fn main() {}
