//! The file of a state: one owner at a time, replaced as a whole, readable by its owner only.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::{
    PersistError,
    format::{self, FormatError},
    state::State,
};

/// A file that is owned as long as this lives. Beside it there are a lock, which stays, and for moments a draft.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    // The system releases it with the process, however that ends.
    _lock: File,
}

impl StateFile {
    /// Takes hold of a file, which does not have to exist.
    pub(super) fn claim(path: &Path) -> Result<Self, PersistError> {
        let path = resolve(path)?;
        let lock_path = beside(&path, "lock");
        let lock = lock(&lock_path, &path)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The state in the file; `None` when there is none yet.
    pub(super) fn read(&self) -> Result<Option<State>, PersistError> {
        let failed = failure("read the state", &self.path);
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if file.metadata().map_err(&failed)?.len() == 0 {
            // Made by `mktemp`, say: nothing is lost.
            return Ok(None);
        }
        let path = self.path.clone();
        match format::read(BufReader::new(file)) {
            Ok(state) => Ok(Some(state)),
            Err(FormatError::Foreign(reason)) => Err(PersistError::Foreign { path, reason }),
            Err(FormatError::Later(found)) => Err(PersistError::Later {
                path,
                found,
                known: format::VERSION,
            }),
            Err(FormatError::Broken { line, reason }) => {
                Err(PersistError::Broken { path, line, reason })
            }
            Err(FormatError::Io(error)) => Err(failed(error)),
        }
    }

    /// Puts a state in the place of the one before: after a crash at any moment there is one of the two.
    pub(super) fn write(&self, state: State) -> Result<(), PersistError> {
        let draft = beside(&self.path, "draft");
        let failed = failure("write the state", &draft);
        let file = private()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&draft)
            .map_err(&failed)?;
        let mut writer = BufWriter::with_capacity(1 << 16, file);
        format::write(state, &mut writer).map_err(&failed)?;
        let file = writer
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(&failed)?;
        fs::rename(&draft, &self.path).map_err(failure("replace the state", &self.path))?;
        sync_folder(&self.path).map_err(failure("write the folder of", &self.path))
    }
}

/// Options for files that only their owner can read: they hold tokens.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The file itself, wherever links lead: renaming would replace a link.
fn resolve(path: &Path) -> Result<PathBuf, PersistError> {
    let failed = failure("find the folder of the state", path);
    match fs::canonicalize(path) {
        Ok(path) if path.is_file() => Ok(path),
        Ok(path) => Err(PersistError::Foreign {
            path,
            reason: "it is no regular file".to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path
                .file_name()
                .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
            let folder = match path.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            Ok(fs::canonicalize(folder).map_err(&failed)?.join(name))
        }
        Err(error) => Err(failed(error)),
    }
}

fn lock(lock_path: &Path, path: &Path) -> Result<File, PersistError> {
    let failed = failure("lock the state with", lock_path);
    let mut file = private()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock_path)
        .map_err(&failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Only to say whose it is.
            let process = file.read_to_string(&mut text).ok();
            return Err(PersistError::InUse {
                path: path.to_owned(),
                process: process.and_then(|_| text.trim().parse().ok()),
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.rewind().map_err(&failed)?;
    file.set_len(0).map_err(&failed)?;
    writeln!(file, "{}", std::process::id()).map_err(&failed)?;
    Ok(file)
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

/// A renaming is safe once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn failure<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> PersistError + 'a {
    move |source| PersistError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
