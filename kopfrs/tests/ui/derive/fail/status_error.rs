#![allow(unused)]

use std::fmt;

use kopfrs::reconcile::StatusError;

#[derive(Debug, StatusError)]
enum Nothing {}

#[derive(Debug, StatusError)]
enum Generic<T> {
    Of(T),
}

#[derive(StatusError)]
union Either {
    a: u32,
    b: u32,
}

#[derive(Debug, StatusError)]
#[status_error(field = "last.error")]
enum Dotted {
    A,
}

#[derive(Debug, StatusError)]
#[status_error(fields = "lastError")]
enum Misspelt {
    A,
}

#[derive(Debug, StatusError)]
#[status_error(tag = "A")]
enum TagOfAll {
    A,
}

#[derive(Debug, StatusError)]
enum FieldOfOne {
    #[status_error(field = "a")]
    A,
}

#[derive(Debug, StatusError)]
enum Same {
    A,
    #[status_error(tag = "A")]
    B,
}

#[derive(Debug, StatusError)]
#[status_error(field = "a", field = "b")]
enum Twice {
    A,
}

#[derive(Debug, StatusError)]
#[status_error(field = 5)]
enum Number {
    A,
}

#[derive(Debug, StatusError)]
enum NoError {
    A,
}

fn main() {}
