//! Operators that get out of one another's way. It has nothing special in its code: peering is a matter of
//! how an operator is run.

use kopfrs::prelude::*;

#[on::create("kopfexamples")]
fn create_fn(name: &str) {
    info!("{name} is created here, and nowhere else");
}

kopfrs::main!();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_content() {
        create_fn("a");
    }
}
