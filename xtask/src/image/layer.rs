//! The files of an image as a tar archive that depends on nothing but them.

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Component, Path},
};
use tar::{EntryType, Header};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Directory { mode: u32 },
    File { mode: u32, content: Vec<u8> },
}

/// Owned by root, of the first of January 1970, in the order of their paths.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    entries: BTreeMap<String, Entry>,
}

impl Layer {
    pub fn directory(mut self, path: &str, mode: u32) -> Result<Self> {
        self.add(path, Entry::Directory { mode })?;
        Ok(self)
    }

    pub fn file(mut self, path: &str, mode: u32, content: impl Into<Vec<u8>>) -> Result<Self> {
        self.add(path, Entry::File { mode, content: content.into() })?;
        Ok(self)
    }

    fn add(&mut self, path: &str, entry: Entry) -> Result<()> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || !plain {
            bail!("{path:?} is not a path below the root of an image");
        }
        if self.entries.insert(path.to_owned(), entry).is_some() {
            bail!("{path} is twice in the image");
        }
        Ok(())
    }

    pub(crate) fn tar(&self) -> Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let mut header = Header::new_ustar();
            let content: &[u8] = match entry {
                Entry::Directory { mode } => {
                    header.set_entry_type(EntryType::Directory);
                    header.set_mode(*mode);
                    &[]
                }
                Entry::File { mode, content } => {
                    header.set_entry_type(EntryType::Regular);
                    header.set_mode(*mode);
                    content
                }
            };
            header.set_size(content.len().try_into()?);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            archive.append_data(&mut header, path, content).with_context(|| path.clone())?;
        }
        archive.into_inner().context("end the archive")
    }
}

/// Without a time and a file name in its header.
pub(crate) fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    encoder.finish().context("compress")
}
