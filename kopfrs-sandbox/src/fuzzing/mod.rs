//! What the fuzzers of `fuzz/` call, and what must hold whatever they send.
//!
//! No part of the API: hidden, and only there with the feature `fuzzing` and in the tests of this crate, which go through
//! the corpus of each target.

mod choices;
mod http;
mod patches;
mod texts;

use std::future::Future;

pub use self::{http::requests, patches::patches, texts::texts};

/// Runs what is async, with time paused.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime needs nothing that may be missing");
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    /// Goes through the inputs of a target.
    fn check(target: &str, run: impl Fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let inputs = fs::read_dir(corpus.join(target)).expect("a corpus");
        let mut count = 0;
        for input in inputs {
            let input = input.expect("an input").path();
            println!("{}", input.display());
            run(&fs::read(input).expect("an input"));
            count += 1;
        }
        assert!(count >= 5, "the corpus of {target} has gone");
        // And nothing at all, and a little of everything.
        run(b"");
        for byte in 0..=255 {
            run(&[byte; 64]);
        }
    }

    #[test]
    fn the_corpus_of_requests_holds() {
        check("http", super::requests);
    }

    #[test]
    fn the_corpus_of_patches_holds() {
        check("patches", super::patches);
    }

    #[test]
    fn the_corpus_of_texts_holds() {
        check("texts", super::texts);
    }
}
