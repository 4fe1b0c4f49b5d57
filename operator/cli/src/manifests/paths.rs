//! Which files, in which order.

use super::{Place, Unreadable};
use snc_core::text::Text;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What stands for standard input on the command line.
const STDIN: &str = "-";
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

pub struct Source {
    pub file: String,
    pub text: String,
}

/// A file to read; standard input has no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub name: String,
    pub path: Option<PathBuf>,
}

/// The files themselves whatever their names; in directories, recursively, those with a known ending.
pub fn files(paths: &[PathBuf]) -> (Vec<Found>, Vec<Unreadable>) {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        if path.as_os_str() == STDIN {
            found.push(Found { name: "stdin".to_owned(), path: None });
        } else if path.is_dir() {
            let before = (found.len(), wrong.len());
            directory(path, &mut found, &mut wrong);
            if (found.len(), wrong.len()) == before {
                let what = Text::new("aucun fichier .yaml, .yml ou .json", "no .yaml, .yml or .json file");
                wrong.push(at(path, what));
            }
        } else {
            found.push(file(path.clone()));
        }
    }
    (found, wrong)
}

fn file(path: PathBuf) -> Found {
    Found { name: path.display().to_string(), path: Some(path) }
}

fn standard_input() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
}

/// The same, read whole.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Vec<Unreadable>> {
    let (files, mut wrong) = files(paths);
    let mut found = Vec::new();
    for file in files {
        let read = file.path.map_or_else(standard_input, std::fs::read);
        keep(file.name, read, &mut found, &mut wrong);
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

fn at(path: &Path, what: Text) -> Unreadable {
    Unreadable { place: Place { file: path.display().to_string(), ..Place::default() }, what }
}

fn directory(path: &Path, found: &mut Vec<Found>, wrong: &mut Vec<Unreadable>) {
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect::<Vec<_>>(),
        Err(error) => return wrong.push(at(path, Text::new(error.to_string(), error.to_string()))),
    };
    // The order of a directory is that of its file system; answers must not depend on it.
    entries.sort();
    for entry in entries {
        // A symbolic link to a directory may lead back here.
        if entry.is_dir() && !entry.is_symlink() {
            directory(&entry, found, wrong);
        } else if entry.extension().and_then(|e| e.to_str()).is_some_and(|ending| ENDINGS.contains(&ending)) {
            found.push(file(entry));
        }
    }
}

fn keep(file: String, read: std::io::Result<Vec<u8>>, found: &mut Vec<Source>, wrong: &mut Vec<Unreadable>) {
    let problem = match read {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => {
                // A byte order mark is no part of the text.
                let text = text.strip_prefix('\u{feff}').map(ToOwned::to_owned).unwrap_or(text);
                return found.push(Source { file, text });
            }
            Err(_) => Text::new("ce n'est pas du texte UTF-8", "this is not UTF-8 text"),
        },
        Err(error) => Text::new(error.to_string(), error.to_string()),
    };
    wrong.push(Unreadable { place: Place { file, ..Place::default() }, what: problem });
}
