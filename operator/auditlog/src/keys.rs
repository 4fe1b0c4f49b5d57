//! The keys of the one who writes, in a directory: the private one of now, and what was said about all there were.

use crate::canonical;
use crate::error::Error;
use crate::finding::{Finding, What};
use crate::keychain::{FORMAT, Keychain, Statement};
use crate::layout;
use crate::sign::{Algorithm, KeyId, KeyPair, Signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use snc_core::text::Refusal;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::{fmt, io};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// `<key id>.key` (PKCS#8, PEM, for its owner only) of the key that signs; `<key id>.json` of all that ever did.
pub struct Keys {
    dir: PathBuf,
    pair: KeyPair,
    chain: Keychain,
    current: KeyId,
    since: Timestamp,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("dir", &self.dir).field("current", &self.current).finish_non_exhaustive()
    }
}

impl Keys {
    /// Loads them, and makes the first one where there is none.
    pub fn open(dir: &Path, algorithm: Algorithm, now: Timestamp) -> Result<Self, Error> {
        create_dir(dir)?;
        if statements(dir)?.is_empty() {
            introduce(dir, algorithm, now, None)?;
        }
        Self::load(dir)
    }

    pub fn load(dir: &Path) -> Result<Self, Error> {
        let (chain, findings) = Keychain::read(&statements(dir)?, None);
        if let Some(finding) = findings.into_iter().next() {
            let object = dir.join(&finding.object).display().to_string();
            return Err(Finding { object, ..finding }.into());
        }
        let key = chain.current().ok_or_else(|| Finding::new(What::KeyMissing, dir.display().to_string()))?;
        let (current, since) = (key.id().clone(), key.statement().from);
        let path = private(dir, &current);
        let pair = read_private(&path)?;
        if pair.public().ok().as_ref() != Some(&key.statement().public_key) {
            return Err(refused(&path));
        }
        let keys = Self { dir: dir.to_owned(), pair, chain, current, since };
        keys.forget_others()?;
        Ok(keys)
    }

    /// From now on another one signs. What the old ones signed stays provable; they themselves are no more.
    pub fn rotate(&mut self, algorithm: Algorithm, now: Timestamp) -> Result<KeyId, Error> {
        introduce(&self.dir, algorithm, now.max(self.since), Some((&self.pair, &self.current)))?;
        *self = Self::load(&self.dir)?;
        Ok(self.current.clone())
    }

    pub fn current(&self) -> &KeyId {
        &self.current
    }

    pub fn algorithm(&self) -> Algorithm {
        self.pair.algorithm()
    }

    /// Since when the current one signs.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    pub fn chain(&self) -> &Keychain {
        &self.chain
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.pair
    }

    /// A key that is not there cannot be stolen. Of a rotation that was cut short, the key that nobody knows of yet goes.
    fn forget_others(&self) -> Result<(), Error> {
        let own = private(&self.dir, &self.current);
        let mut gone = false;
        for entry in fs::read_dir(&self.dir).map_err(Error::io(&self.dir))? {
            let path = entry.map_err(Error::io(&self.dir))?.path();
            let other = matches!(path.extension().and_then(|ending| ending.to_str()), Some("key" | "new"));
            if other && path != own {
                fs::remove_file(&path).map_err(Error::io(&path))?;
                gone = true;
            }
        }
        if gone { sync(&self.dir) } else { Ok(()) }
    }
}

/// The statement goes last: a key counts once it is there.
fn introduce(
    dir: &Path,
    algorithm: Algorithm,
    from: Timestamp,
    before: Option<(&KeyPair, &KeyId)>,
) -> Result<(), Error> {
    let failed = |_| Error::encoding("the cryptographic library made no key");
    let (pair, document) = KeyPair::generate(algorithm).map_err(failed)?;
    let public_key = pair.public().map_err(failed)?;
    let mut statement = Statement {
        format: FORMAT.to_owned(),
        key_id: public_key.id(),
        algorithm,
        public_key,
        from,
        previous: before.map(|(_, id)| id.clone()),
        proof: Signature::none(),
        signature: Signature::none(),
    };
    statement.proof = pair.sign(&statement.claim()?).map_err(failed)?;
    let signer = before.map_or(&pair, |(pair, _)| pair);
    statement.signature = signer.sign(&statement.message()?).map_err(failed)?;
    write(&private(dir, &statement.key_id), pem(&document).as_bytes(), 0o600)?;
    write(&public(dir, &statement.key_id), &canonical::bytes(&statement, &[])?, 0o644)
}

fn private(dir: &Path, id: &KeyId) -> PathBuf {
    dir.join(format!("{id}.key"))
}

fn public(dir: &Path, id: &KeyId) -> PathBuf {
    dir.join(format!("{id}.json"))
}

/// By the names that they have in the store.
fn statements(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let path = entry.map_err(Error::io(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(id) = name.strip_suffix(".json").and_then(|id| id.parse::<KeyId>().ok()) {
            found.insert(layout::key(&id).to_string(), fs::read(&path).map_err(Error::io(&path))?);
        }
    }
    Ok(found)
}

fn read_private(path: &Path) -> Result<KeyPair, Error> {
    let mode = fs::metadata(path).map_err(Error::io(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        // A volume that Kubernetes gives to a group is opened to that group each time it is mounted.
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(Error::io(path))?;
        tracing::warn!(path = %path.display(), mode = %format!("{mode:o}"), "a private key was open to others: closed");
    }
    let text = fs::read_to_string(path).map_err(Error::io(path))?;
    let document = unpem(&text).ok_or_else(|| refused(path))?;
    KeyPair::from_pkcs8(&document).map_err(|_| refused(path))
}

/// Of what is in it nothing is quoted.
fn refused(path: &Path) -> Error {
    let (fr, en) = (
        "la clé privée PKCS#8 (PEM) de la dernière clé déclarée : P-256 ou Ed25519",
        "the private key, PKCS#8 (PEM), of the key that was declared last: P-256 or Ed25519",
    );
    Refusal::new(path.display().to_string(), "", fr, en).into()
}

fn pem(document: &[u8]) -> String {
    let text = STANDARD.encode(document);
    let mut lines = vec![BEGIN.to_owned()];
    lines.extend(text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()));
    lines.push(format!("{END}\n"));
    lines.join("\n")
}

fn unpem(text: &str) -> Option<Vec<u8>> {
    let inner = text.split_once(BEGIN)?.1.split_once(END)?.0;
    let inner: String = inner.split_ascii_whitespace().collect();
    STANDARD.decode(inner).ok()
}

fn create_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(Error::io(dir))?;
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(Error::io(dir))?;
    dir.parent().map_or(Ok(()), sync)
}

/// There whole, or not at all; and after a loss of power as well.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let new = path.with_extension("new");
    let written = (|| -> io::Result<()> {
        if new.exists() {
            fs::remove_file(&new)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    })();
    written.map_err(Error::io(path))?;
    path.parent().map_or(Ok(()), sync)
}

fn sync(dir: &Path) -> Result<(), Error> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io(dir))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
