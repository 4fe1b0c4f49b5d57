use super::{About, Block, FORMAT, MAGIC, SECTIONS, zigzag};
use crate::Partition;
use crate::error::Error;
use crate::facts::{FIELDS, Facts};
use std::collections::HashMap;

/// Built while the segment is, one record at a time.
pub(crate) struct IndexBuilder {
    times: Vec<u8>,
    last_time: i64,
    count: u64,
    fields: [FieldBuilder; FIELDS],
}

struct FieldBuilder {
    known: HashMap<Box<str>, u32>,
    /// The entries, each after its length.
    entries: Vec<u8>,
    column: Vec<u32>,
}

impl Default for FieldBuilder {
    fn default() -> Self {
        let mut new = Self { known: HashMap::new(), entries: Vec::new(), column: Vec::new() };
        new.entry("");
        new
    }
}

impl FieldBuilder {
    fn entry(&mut self, text: &str) -> u32 {
        if let Some(entry) = self.known.get(text) {
            return *entry;
        }
        let entry = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        self.known.insert(text.into(), entry);
        self.entries.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.entries.extend_from_slice(text.as_bytes());
        entry
    }

    fn push(&mut self, text: &str) {
        let entry = self.entry(text);
        self.column.push(entry);
    }

    /// As narrow as the dictionary is short.
    fn column(&self) -> Vec<u8> {
        let width = match self.known.len() {
            0..=0x100 => 1_u8,
            0x101..=0x1_0000 => 2,
            _ => 4,
        };
        let mut bytes = Vec::with_capacity(1 + self.column.len() * usize::from(width));
        bytes.push(width);
        for entry in &self.column {
            bytes.extend_from_slice(&entry.to_le_bytes()[..usize::from(width)]);
        }
        bytes
    }
}

impl IndexBuilder {
    pub(crate) fn new() -> Self {
        Self { times: Vec::new(), last_time: 0, count: 0, fields: Default::default() }
    }

    /// A record's time is that of its event; of one that tells none, when it was received.
    pub(crate) fn push(&mut self, facts: &Facts<'_>, time: i64) {
        let mut difference = zigzag(time.wrapping_sub(self.last_time));
        while difference >= 0x80 {
            self.times.push(difference.to_le_bytes()[0] | 0x80);
            difference >>= 7;
        }
        self.times.push(difference.to_le_bytes()[0]);
        self.last_time = time;
        self.count += 1;
        for (field, text) in self.fields.iter_mut().zip(&facts.texts) {
            field.push(text);
        }
    }

    /// Before compression: what two indexes of the same records have in common.
    pub(crate) fn sections(
        &self,
        partition: &Partition,
        number: u64,
        first_seq: u64,
        through: u64,
        blocks: &[Block],
    ) -> Result<Vec<Vec<u8>>, Error> {
        let format = FORMAT.to_owned();
        let about =
            About { format, partition: partition.clone(), number, first_seq, count: self.count, through };
        let mut sections = Vec::with_capacity(SECTIONS);
        sections.push(crate::canonical::bytes(&about, &[])?);
        sections.push(blocks.iter().flat_map(|block| block.to_bytes()).collect());
        sections.push(self.times.clone());
        for field in &self.fields {
            sections.push(field.entries.clone());
            sections.push(field.column());
        }
        Ok(sections)
    }
}

impl Block {
    fn to_bytes(self) -> Vec<u8> {
        let Self { offset, bytes, raw_bytes, first, sha256 } = self;
        let mut out = offset.to_le_bytes().to_vec();
        for number in [bytes, raw_bytes, first] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(sha256.as_bytes());
        out
    }
}

/// The file: a name, then the lengths of the sections (compressed, raw), then the sections.
pub(crate) fn encode(sections: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut compressor = zstd::bulk::Compressor::new(crate::segment::LEVEL).map_err(Error::encoding)?;
    let (mut lengths, mut bodies) = (Vec::new(), Vec::new());
    for section in sections {
        let body = compressor.compress(section).map_err(Error::encoding)?;
        for length in [body.len(), section.len()] {
            lengths.extend_from_slice(&u32::try_from(length).map_err(Error::encoding)?.to_le_bytes());
        }
        bodies.extend_from_slice(&body);
    }
    Ok([MAGIC.as_slice(), &lengths, &bodies].concat())
}

impl IndexBuilder {
    pub(crate) fn finish(
        self,
        partition: &Partition,
        number: u64,
        first_seq: u64,
        through: u64,
        blocks: &[Block],
    ) -> Result<Vec<u8>, Error> {
        encode(&self.sections(partition, number, first_seq, through, blocks)?)
    }
}
