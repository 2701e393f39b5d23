//! The attribute of tests: the function becomes one without arguments, which hands the user's own to
//! the kit.

mod function;
mod options;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use self::function::Test;
use self::options::Options;
use crate::errors::Errors;

/// A test that runs the user's function, or all mistakes beside that function.
pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(attribute, &mut errors);
    let Some(test) = Test::parse(item.clone(), &mut errors).filter(|_| errors.is_empty()) else {
        let errors = errors.to_compile_errors();
        return quote! { #item #errors };
    };
    emit(&options, &test)
}

fn emit(options: &Options, test: &Test) -> TokenStream {
    let krate = &options.krate;
    let Test {
        attributes,
        visibility,
        name,
        inputs,
        output,
        body,
        ..
    } = test;
    let text = test.text();
    let options = options.calls();
    // Blamed on the argument: it is what the kit hands over that must fit. Not the function itself is handed to it: the
    // compiler would compare signatures then, and advise to wrap the function.
    let run = quote_spanned! {test.argument=>
        __kopfrs::Test::new(#text) #(.#options)* .run(async |cluster| #name(cluster).await)
    };
    quote! {
        #(#attributes)*
        // Outside of tests it stays a function, so that examples in documentation can be run.
        #[cfg_attr(test, ::core::prelude::v1::test)]
        #[cfg_attr(not(test), allow(dead_code))]
        #visibility fn #name() #output {
            use #krate::__private as __kopfrs;
            async fn #name(#inputs) #output #body
            #run
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(attribute: TokenStream, item: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        Options::parse(attribute, &mut errors);
        Test::parse(item, &mut errors);
        errors.messages()
    }

    #[test]
    fn all_mistakes_come_together() {
        let found = messages(
            quote! { wires, backend = "kind", time = "paused", flavor = "multi_thread" },
            quote! { fn f<T>(a: Cluster, b: u8) {} },
        );
        assert_eq!(found.len(), 6, "{found:#?}");
    }

    #[test]
    fn what_is_right_is_expanded() {
        let expanded = expand(
            quote! { wire },
            &quote! { #[should_panic] async fn f(cluster: Cluster) -> Result<(), String> { Ok(()) } },
        );
        let text = expanded.to_string();
        assert!(text.contains("# [should_panic]"), "{text}");
        assert!(
            text.contains(
                r#"Test :: new ("f") . wire () . run (async | cluster | f (cluster) . await)"#
            ),
            "{text}"
        );
    }
}
