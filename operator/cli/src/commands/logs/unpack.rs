//! A tar into a directory that was not there: plain files, and none outside of it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Component, Path};

/// Nobody else reads what is written here.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub fn unpack(tar: &Path, into: &Path) -> io::Result<()> {
    directory(into)?;
    let mut archive = tar::Archive::new(io::BufReader::new(File::open(tar)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        let kind = entry.header().entry_type();
        if kind.is_dir() && inside {
            directory(&into.join(name))?;
            continue;
        }
        if !kind.is_file() || !inside {
            return Err(io::Error::new(io::ErrorKind::InvalidData, name.display().to_string()));
        }
        let path = into.join(name);
        if let Some(parent) = path.parent() {
            directory(parent)?;
        }
        io::copy(&mut entry, &mut create(&path)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tar::{Builder, EntryType, Header};

    fn packed(entries: &[(&str, EntryType)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Builder::new(File::create(folder.path().join("a.tar")).unwrap());
        for (name, kind) in entries {
            let mut header = Header::new_gnu();
            // `set_path` refuses what an enemy would write.
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            if kind.is_symlink() {
                header.set_link_name("/etc/passwd").unwrap();
            }
            let body: &[u8] = if kind.is_file() { b"text" } else { b"" };
            header.set_size(body.len() as u64);
            header.set_mode(0o777);
            header.set_cksum();
            builder.append(&header, body).unwrap();
        }
        builder.finish().unwrap();
        folder
    }

    fn unpacked(entries: &[(&str, EntryType)]) -> (tempfile::TempDir, io::Result<()>) {
        let folder = packed(entries);
        let done = unpack(&folder.path().join("a.tar"), &folder.path().join("out"));
        (folder, done)
    }

    #[test]
    fn files_come_out_with_their_directories() {
        let (folder, done) = unpacked(&[
            ("records.jsonl", EntryType::Regular),
            ("segments", EntryType::Directory),
            ("segments/tenant.acme/000000000001.seg", EntryType::Regular),
        ]);
        done.unwrap();
        let file = folder.path().join("out/segments/tenant.acme/000000000001.seg");
        assert_eq!(std::fs::read(&file).unwrap(), b"text");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn nothing_is_written_elsewhere_nor_linked_nor_twice() {
        for entries in [
            &[("../escaped", EntryType::Regular)][..],
            &[("/tmp/escaped-snc", EntryType::Regular)],
            &[("a/../../escaped", EntryType::Regular)],
            &[("link", EntryType::Symlink)],
            &[("link", EntryType::Link)],
            &[("fifo", EntryType::Fifo)],
            &[("twice", EntryType::Regular), ("twice", EntryType::Regular)],
        ] {
            let (folder, done) = unpacked(entries);
            assert!(done.is_err(), "{entries:?}");
            assert!(!folder.path().join("escaped").exists() && !Path::new("/tmp/escaped-snc").exists());
        }
    }
}
