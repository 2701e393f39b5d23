//! What stands in the attribute: a selector and options, all mistakes collected.

mod criterion;
mod duration;
mod operations;
mod option;
mod relation;
mod selector;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, LitStr, Path, Result, Token, token};

pub(crate) use self::option::Call;
use self::option::Syntax;
pub(crate) use self::selector::Target;
use crate::errors::Errors;
use crate::kind::{self, Kind};
use crate::{paths, suggest};

/// What the user declared.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) target: Target,
    /// Options, as calls of the builder's methods.
    pub(crate) calls: Vec<Call>,
    pub(crate) krate: Path,
    /// All options given, in order.
    given: Vec<Ident>,
    /// What is said of the kind beside its name.
    refinements: Vec<(Ident, LitStr)>,
}

impl Attribute {
    /// Reads and checks what stands in the parentheses of an attribute.
    pub(crate) fn parse(kind: &Kind, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut attribute = Self {
            target: Target::None,
            calls: Vec::new(),
            krate: paths::default_crate(),
            given: Vec::new(),
            refinements: Vec::new(),
        };
        let mut has_selector = false;
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = attribute.item(kind, input, &mut has_selector, errors) {
                    errors.add(error);
                    skip_to_comma(input);
                }
                if !input.is_empty() && !input.peek(Token![,]) {
                    errors.add(input.error("expected `,` between options"));
                    skip_to_comma(input);
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.add(error);
        }
        if kind.has_selector && !has_selector {
            let name = kind.name;
            errors.push(
                Span::call_site(),
                format!(
                    "`on::{name}` needs the kind of objects it is for: {}",
                    selector::HELP
                ),
            );
        }
        for (name, value) in std::mem::take(&mut attribute.refinements) {
            if let Err(error) = attribute.target.refined(&name, &value) {
                errors.add(error);
            }
        }
        attribute.check(kind, errors);
        attribute
    }

    /// Whether an option is given.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.option(option).is_some()
    }

    fn option(&self, option: &str) -> Option<&Ident> {
        self.given.iter().find(|given| *given == option)
    }

    /// One item between two commas.
    fn item(
        &mut self,
        kind: &Kind,
        input: ParseStream<'_>,
        has_selector: &mut bool,
        errors: &mut Errors,
    ) -> Result<()> {
        if let Some(name) = option_name(input) {
            input.call(Ident::parse_any)?;
            if selector::OPTIONS.iter().any(|option| name == option) {
                self.accept(kind, has_selector, name.span(), input, |input| {
                    input.parse::<Token![=]>()?;
                    selector::option(&name, input)
                })
            } else if kind.has_selector && selector::REFINEMENTS.iter().any(|option| name == option)
            {
                self.refinement(&name, input)
            } else {
                self.read_option(kind, &name, input, errors)
            }
        } else {
            let (span, is_first) = (input.span(), self.given.is_empty());
            self.accept(kind, has_selector, span, input, |input| {
                if is_first {
                    selector::positional(input)
                } else {
                    Err(input.error("the kind of objects comes first, before the options"))
                }
            })
        }
    }

    /// Takes the one selector.
    fn accept(
        &mut self,
        kind: &Kind,
        has_selector: &mut bool,
        span: Span,
        input: ParseStream<'_>,
        read: impl Fn(ParseStream<'_>) -> Result<Target>,
    ) -> Result<()> {
        let name = kind.name;
        if !kind.has_selector {
            let text = format!("`on::{name}` is about the operator, and has no kind of objects");
            return Err(Error::new(span, text));
        }
        if *has_selector {
            let text = format!(
                "a handler has one selector; for several kinds, put several `#[on::{name}(…)]` on the function"
            );
            return Err(Error::new(span, text));
        }
        *has_selector = true;
        self.target = read(input)?;
        Ok(())
    }

    /// `group = "example.com"` beside the name of a kind.
    fn refinement(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<()> {
        if self.has(&name.to_string()) {
            return Err(twice(name));
        }
        self.given.push(name.clone());
        input.parse::<Token![=]>()?;
        let value = selector::refinement(name, input)?;
        self.refinements.push((name.clone(), value));
        Ok(())
    }

    fn read_option(
        &mut self,
        kind: &Kind,
        name: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> Result<()> {
        let written = name.to_string();
        let Some(syntax) = option::syntax(&written).filter(|_| kind.has_option(&written)) else {
            return Err(Error::new(name.span(), unknown(kind, &written)));
        };
        if self.has(&written) {
            return Err(twice(name));
        }
        self.given.push(name.clone());
        if syntax == Syntax::Crate {
            input.parse::<Token![=]>()?;
            self.krate = input.call(Path::parse_mod_style)?;
            return Ok(());
        }
        let calls = option::read(name, syntax, input, errors)?;
        self.calls.extend(calls);
        Ok(())
    }

    /// What single options cannot know of one another.
    fn check(&self, kind: &Kind, errors: &mut Errors) {
        if let Some((required, example)) = kind.required
            && !self.has(required)
        {
            errors.push(
                Span::call_site(),
                format!("`on::{}` needs `{example}`", kind.name),
            );
        } else if !self.has("field") {
            for name in ["value", "old", "new"] {
                if let Some(given) = self.option(name) {
                    errors.push(
                        given.span(),
                        format!("`{name}` is about a field: add `field = \"spec.field\"`"),
                    );
                }
            }
        }
        if let (Some(from), None) = (self.option("from"), self.option("to")) {
            errors.push(from.span(), "a conversion needs `to = \"v1\"` as well");
        }
        if let Some(value) = self.option("value")
            && (self.has("old") || self.has("new"))
        {
            errors.push(
                value.span(),
                "`value` means either side of a change; with `old` or `new`, leave it out",
            );
        }
    }
}

fn twice(name: &Ident) -> Error {
    Error::new(name.span(), format!("`{name}` is given twice"))
}

/// The name of an option, if one comes next: a word before `=` or before parentheses, or a flag.
fn option_name(input: ParseStream<'_>) -> Option<Ident> {
    let ahead = input.fork();
    let name = ahead.call(Ident::parse_any).ok()?;
    let is_assignment = ahead.peek(Token![=]) && !ahead.peek(Token![==]);
    let is_alone = ahead.is_empty() || ahead.peek(Token![,]);
    let is_word = name.to_string().starts_with(char::is_lowercase);
    (is_assignment || ahead.peek(token::Paren) || (is_alone && is_word && is_flag_like(&name)))
        .then_some(name)
}

/// A lower-case word alone is a flag (or a misspelt one), not a type; `crate` and `self` are paths.
fn is_flag_like(name: &Ident) -> bool {
    option::syntax(&name.to_string()).is_some() || {
        let written = name.to_string();
        kind::all().any(|kind| suggest::nearest(&written, kind.option_names()).is_some())
    }
}

/// What to say of an option that a kind does not have.
fn unknown(kind: &Kind, written: &str) -> String {
    let name = kind.name;
    if option::syntax(written).is_some() {
        let others = kind::list(|kind| kind.has_option(written));
        return format!("`on::{name}` has no option `{written}`; it exists in {others}");
    }
    let selectors = if kind.has_selector {
        selector::OPTIONS
    } else {
        &[]
    };
    let refinements = if kind.has_selector {
        selector::REFINEMENTS
    } else {
        &[]
    };
    let selectors = || selectors.iter().chain(refinements).copied();
    let known = || kind.option_names().chain(selectors());
    let elsewhere = || kind::all().flat_map(Kind::option_names);
    let hint = suggest::did_you_mean(written, known())
        .or_else(|| {
            let near = suggest::nearest(written, elsewhere())?;
            let others = kind::list(|kind| kind.has_option(near));
            Some(format!("; did you mean `{near}`? it exists in {others}"))
        })
        .unwrap_or_else(|| format!("; `on::{name}` has {}", suggest::list(known())));
    format!("unknown option `{written}`{hint}")
}

/// Goes on after a mistake.
fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
