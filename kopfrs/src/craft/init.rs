//! `init`: the first files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

const CONTROLLER: &str = include_str!("sample/controller.json");
const RESOURCE: &str = include_str!("sample/resource.json");
const MANAGER: &str = include_str!("sample/manager");

/// Writes them.
///
/// # Errors
/// If one of them is there already: then none is written.
pub(super) fn init(folder: &Path) -> Result<(), String> {
    let files = [
        ("controller.json", CONTROLLER, false),
        ("resource.json", RESOURCE, false),
        ("manager", MANAGER, true),
    ];
    let there: Vec<String> = files
        .iter()
        .map(|(name, ..)| folder.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| path.display().to_string())
        .collect();
    if !there.is_empty() {
        let there = there.join(", ");
        return Err(format!(
            "{there}: there already, and not overwritten; nothing was written. Name another folder, or move what is there"
        ));
    }
    let told =
        |path: &Path, error: &io::Error| format!("{} cannot be written: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    for (name, text, is_program) in files {
        let path = folder.join(name);
        write(&path, text, is_program).map_err(|error| told(&path, &error))?;
        println!("{}", path.display());
    }
    println!("to try it out: kopfrs exec --process ./manager --sandbox");
    Ok(())
}

fn write(path: &Path, text: &str, is_program: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_program {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    }
    #[cfg(not(unix))]
    let _ = is_program;
    options.open(path)?.write_all(text.as_bytes())
}
