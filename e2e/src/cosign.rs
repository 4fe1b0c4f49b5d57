use crate::registry::{PASSWORD, Registry, USER};
use anyhow::{Context, Result, bail};
use snc_core::image::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub struct Cosign {
    program: PathBuf,
    home: TempDir,
}

/// Without a transparency log: nothing leaves this machine.
const OFFLINE: [&str; 2] = ["--use-signing-config=false", "--tlog-upload=false"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Tag,
    Bundle,
}

impl Form {
    fn flag(self) -> &'static str {
        if self == Self::Tag { "--new-bundle-format=false" } else { "--new-bundle-format=true" }
    }
}

pub const FORMS: [Form; 2] = [Form::Tag, Form::Bundle];

/// A key pair as files of cosign.
pub struct Pair {
    private: PathBuf,
    public: PathBuf,
}

impl Pair {
    pub fn pem(&self) -> Result<String> {
        fs::read_to_string(&self.public).with_context(|| self.public.display().to_string())
    }
}

impl Cosign {
    pub fn new(program: PathBuf) -> Result<Self> {
        Ok(Self { program, home: tempfile::tempdir()? })
    }

    fn run(&self, args: &[&str]) -> Result<()> {
        let output = Command::new(&self.program)
            .args(args)
            .env_clear()
            .env("HOME", self.home.path())
            .env("COSIGN_PASSWORD", "")
            // Whatever it would like to know from the internet, nobody answers.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .with_context(|| self.program.display().to_string())?;
        if !output.status.success() {
            bail!("cosign {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    fn pair(&self, name: &str) -> Pair {
        let file = |ending: &str| self.home.path().join(format!("{name}.{ending}"));
        Pair { private: file("key"), public: file("pub") }
    }

    pub fn generate(&self, name: &str) -> Result<Pair> {
        self.run(&["generate-key-pair", "--output-key-prefix", name])?;
        Ok(self.pair(name))
    }

    /// A private key in PKCS #8, made elsewhere.
    pub fn import(&self, name: &str, pem: &str) -> Result<Pair> {
        let file = format!("{name}.pem");
        fs::write(self.home.path().join(&file), pem)?;
        self.run(&["import-key-pair", "--key", &file, "--output-key-prefix", name])?;
        Ok(self.pair(name))
    }

    /// What it takes to get into the registry.
    fn access(registry: &Registry) -> [String; 6] {
        let ca = registry.dir.path().join("ca.pem").display().to_string();
        let given = ["--registry-cacert", &ca, "--registry-username", USER, "--registry-password", PASSWORD];
        given.map(str::to_owned)
    }

    fn with_access(
        &self,
        registry: &Registry,
        key: &Path,
        before: &[&str],
        repository: &str,
        digest: &Digest,
    ) -> Result<()> {
        let access = Self::access(registry);
        let (key, image) =
            (key.display().to_string(), format!("{}/{repository}@{digest}", registry.address()));
        let mut args = before.to_vec();
        args.extend(["--key", &key]);
        args.extend(access.iter().map(String::as_str));
        args.push(&image);
        self.run(&args)
    }

    pub fn sign(
        &self,
        registry: &Registry,
        pair: &Pair,
        form: Form,
        repository: &str,
        digest: &Digest,
    ) -> Result<()> {
        self.sign_with(registry, pair, form, repository, digest, &[])
    }

    pub fn sign_with(
        &self,
        registry: &Registry,
        pair: &Pair,
        form: Form,
        repository: &str,
        digest: &Digest,
        flags: &[&str],
    ) -> Result<()> {
        let before = [&["sign", "--yes", form.flag()], OFFLINE.as_slice(), flags].concat();
        self.with_access(registry, &pair.private, &before, repository, digest)
    }

    pub fn attest(
        &self,
        registry: &Registry,
        pair: &Pair,
        repository: &str,
        digest: &Digest,
        predicate: &str,
    ) -> Result<()> {
        fs::write(self.home.path().join("predicate.json"), predicate)?;
        let before =
            [&["attest", "--yes", "--type", "custom", "--predicate", "predicate.json"], OFFLINE.as_slice()]
                .concat();
        self.with_access(registry, &pair.private, &before, repository, digest)
    }

    /// What cosign itself thinks of it.
    pub fn accepts(
        &self,
        registry: &Registry,
        pair: &Pair,
        form: Form,
        repository: &str,
        digest: &Digest,
    ) -> bool {
        let before = ["verify", "--insecure-ignore-tlog", form.flag()];
        self.with_access(registry, &pair.public, &before, repository, digest).is_ok()
    }

    /// The bundle of a blob.
    pub fn sign_blob(&self, pair: &Pair, content: &[u8]) -> Result<Vec<u8>> {
        fs::write(self.home.path().join("blob"), content)?;
        let key = pair.private.display().to_string();
        let args = [
            &["sign-blob", "--yes", "--key", &key, "--bundle", "blob.bundle"],
            OFFLINE.as_slice(),
            &["blob"],
        ]
        .concat();
        self.run(&args)?;
        Ok(fs::read(self.home.path().join("blob.bundle"))?)
    }

    pub fn copy(&self, registry: &Registry, from: &str, digest: &Digest, to: &str) -> Result<()> {
        let access = Self::access(registry);
        let address = registry.address();
        let (from, to) = (format!("{address}/{from}@{digest}"), format!("{address}/{to}:copy"));
        let mut args = vec!["copy"];
        args.extend(access.iter().map(String::as_str));
        args.extend([from.as_str(), to.as_str()]);
        self.run(&args)
    }
}
