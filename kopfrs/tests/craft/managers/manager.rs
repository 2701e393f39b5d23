//! Does what greetings need, as the script of `init` does.

use std::fs;
use std::io::{Read, Write};
use std::process::exit;

fn after<'a>(text: &'a str, start: &str) -> &'a str {
    text.split_once(start).map_or("", |(_, rest)| rest)
}

fn main() {
    let operation = std::env::args().nth(2).unwrap();
    let mut call = String::new();
    std::io::stdin().read_to_string(&mut call).unwrap();
    let about = after(&call, "\"metadata\":{");
    let named = after(about, "\"name\":\"").split('"').next().unwrap();
    let namespace = after(about, "\"namespace\":\"").split('"').next().unwrap();
    let text = after(after(&call, "\"spec\":{"), "\"text\":\"").split('"').next().unwrap();
    let name = format!("{namespace}.{named}");
    fs::create_dir_all("greetings").unwrap();
    let log = fs::OpenOptions::new().create(true).append(true).open("greetings/log");
    writeln!(log.unwrap(), "{operation} {name}").unwrap();
    let file = format!("greetings/{name}");
    let found = fs::read_to_string(&file).ok();
    exit(match (operation.as_str(), found) {
        ("verify", None) => 214,
        ("verify", Some(found)) if found == text => 211,
        ("verify", Some(_)) => 215,
        ("delete", None) => 224,
        ("delete", Some(_)) => {
            fs::remove_file(&file).unwrap();
            221
        }
        _ => {
            fs::write(&file, text).unwrap();
            println!("{{\"file\": \"{file}\"}}");
            201
        }
    });
}
