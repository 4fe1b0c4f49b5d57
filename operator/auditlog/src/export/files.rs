//! An export where somebody keeps it: a tar, or the directory that it was unpacked into.

use crate::error::Error;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// Its files by their names, and what of it is none.
pub(super) struct Files {
    place: Place,
    places: BTreeMap<String, (u64, u64)>,
    /// Links, devices, names that are there twice or lead elsewhere.
    pub(super) strange: Vec<String>,
    /// A tar that ends in the middle, or whose headers are broken.
    pub(super) broken: bool,
}

enum Place {
    Directory(PathBuf),
    Tar(PathBuf),
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let kind = fs::metadata(path).map_err(Error::io(path))?;
        if kind.is_dir() {
            let place = Place::Directory(path.to_owned());
            let mut files = Self { place, places: BTreeMap::new(), strange: Vec::new(), broken: false };
            files.walk(path, "").map_err(Error::io(path))?;
            return Ok(files);
        }
        let place = Place::Tar(path.to_owned());
        let mut files = Self { place, places: BTreeMap::new(), strange: Vec::new(), broken: false };
        let file = BufReader::new(File::open(path).map_err(Error::io(path))?);
        files.broken = files.entries(file, kind.len()).is_err();
        Ok(files)
    }

    fn walk(&mut self, dir: &Path, below: &str) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() && below.is_empty() {
                self.walk(&entry.path(), &format!("{name}/"))?;
            } else if kind.is_file() && entry.file_name().to_str().is_some() {
                self.places.insert(name, (0, entry.metadata()?.len()));
            } else {
                self.strange.push(name);
            }
        }
        Ok(())
    }

    fn entries(&mut self, file: impl Read, length: u64) -> io::Result<()> {
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries()? {
            let entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let kind = entry.header().entry_type();
            if kind.is_dir() {
                continue;
            }
            let (at, size) = (entry.raw_file_position(), entry.size());
            if at.checked_add(size).is_none_or(|end| end > length) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let known = self.places.contains_key(&name);
            if !kind.is_file() || known {
                self.strange.push(name);
            } else {
                self.places.insert(name, (at, size));
            }
        }
        Ok(())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    pub(super) fn size(&self, name: &str) -> Option<u64> {
        self.places.get(name).map(|(_, size)| *size)
    }

    /// To be read as a stream. None: it is not there.
    pub(super) fn reader(&self, name: &str) -> Result<Option<BufReader<io::Take<File>>>, Error> {
        let Some((at, size)) = self.places.get(name) else { return Ok(None) };
        let path = match &self.place {
            Place::Directory(dir) => dir.join(name),
            Place::Tar(path) => path.clone(),
        };
        let opened = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(*at))?;
            Ok(BufReader::with_capacity(256 << 10, file.take(*size)))
        });
        opened.map(Some).map_err(Error::io(path))
    }

    /// Whole, if it is no longer than that.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Error> {
        if self.size(name).is_some_and(|size| size > most) {
            return Ok(Some(Vec::new()));
        }
        let Some(mut reader) = self.reader(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(Error::io(name))?;
        Ok(Some(bytes))
    }
}
