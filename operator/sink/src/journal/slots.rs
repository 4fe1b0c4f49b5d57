//! A small state that can be written while the disk is full: two places in one file, which are there from the beginning
//! and written in turn. What was saved last without an error is what is read, whatever happens in between.

use super::disk::{Disk, Handle, read_some, write_all};
use std::io;
use std::path::{Path, PathBuf};
use std::str;
use std::sync::Arc;

/// Checksum, number, length; a space after each.
const HEAD: u64 = 8 + 1 + 20 + 1 + 10 + 1;
const BLANK: u8 = b'\n';

pub struct Slots {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Box<dyn Handle>,
    /// Of one place.
    bytes: u64,
    /// Of what was saved last; the place is its parity.
    number: u64,
}

impl Slots {
    /// What was saved last. A file that is there and holds nothing whole is an error, never nothing.
    pub fn open(disk: Arc<dyn Disk>, path: &Path, bytes: u64) -> io::Result<(Self, Option<Vec<u8>>)> {
        let file = match disk.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = bytes.max(HEAD + 1);
                let file = made(&*disk, path, bytes, None)?;
                return Ok((Self { disk, path: path.to_owned(), file, bytes, number: 0 }, None));
            }
            opened => opened?,
        };
        let bytes = file.length()? / 2;
        let (mut newest, mut blank): (Option<(u64, Vec<u8>)>, bool) = (None, false);
        for place in 0..2 {
            let slot = read_some(&*file, place * bytes, usize::try_from(bytes).unwrap_or(usize::MAX))?;
            blank |= slot.iter().all(|byte| *byte == BLANK);
            let found = read(&slot).filter(|(number, _)| number % 2 == place);
            if let Some((number, text)) = found
                && newest.as_ref().is_none_or(|(newest, _)| number > *newest)
            {
                newest = Some((number, text.to_vec()));
            }
        }
        if newest.is_none() && !blank {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "neither of its two places holds a whole state",
            ));
        }
        let (number, text) = newest.map_or((0, None), |(number, text)| (number, Some(text)));
        Ok((Self { disk, path: path.to_owned(), file, bytes, number }, text))
    }

    /// It is on disk, or what was there before still counts.
    pub fn save(&mut self, text: &[u8]) -> io::Result<()> {
        let number = self.number + 1;
        let slot = written(number, text);
        if slot.len() as u64 > self.bytes {
            let bytes = (slot.len() as u64).next_power_of_two();
            self.file = made(&*self.disk, &self.path, bytes, Some((number, &slot)))?;
            self.bytes = bytes;
        } else {
            write_all(&mut *self.file, &slot, (number % 2) * self.bytes)?;
            self.file.sync()?;
        }
        self.number = number;
        Ok(())
    }
}

/// A whole new file, which takes the place of the one that was there, if any.
fn made(
    disk: &dyn Disk,
    path: &Path,
    bytes: u64,
    holds: Option<(u64, &[u8])>,
) -> io::Result<Box<dyn Handle>> {
    let beside = beside(path);
    match disk.remove(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let result = (|| {
        let mut file = disk.create(&beside)?;
        let blank = vec![BLANK; usize::try_from(bytes * 2).map_err(io::Error::other)?];
        write_all(&mut *file, &blank, 0)?;
        if let Some((number, slot)) = holds {
            write_all(&mut *file, slot, (number % 2) * bytes)?;
        }
        file.sync()?;
        disk.rename(&beside, path)?;
        disk.sync_directory(path.parent().unwrap_or(Path::new(".")))?;
        Ok(file)
    })();
    if result.is_err() {
        let _ = disk.remove(&beside);
    }
    result
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn written(number: u64, text: &[u8]) -> Vec<u8> {
    let mut rest = format!("{number:020} {:010} ", text.len()).into_bytes();
    rest.extend_from_slice(text);
    let mut slot = format!("{:08x} ", crc32fast::hash(&rest)).into_bytes();
    slot.append(&mut rest);
    slot.push(BLANK);
    slot
}

fn read(slot: &[u8]) -> Option<(u64, &[u8])> {
    let (sum, rest) = slot.split_at_checked(9)?;
    let sum = u32::from_str_radix(str::from_utf8(sum).ok()?.trim_end(), 16).ok()?;
    let field = |from: usize, to: usize| str::from_utf8(rest.get(from..to)?).ok();
    let number: u64 = field(0, 20)?.parse().ok()?;
    let length: usize = field(21, 31)?.parse().ok()?;
    let whole = rest.get(..32_usize.checked_add(length)?)?;
    (crc32fast::hash(whole) == sum).then_some((number, whole.get(32..)?))
}

#[cfg(test)]
mod tests;
