//! The registry as a process of ours: TLS, a password, a directory; ended by its process id.

mod https;

pub use https::Answer;

use crate::wait::eventually;
use anyhow::{Context, Result, bail, ensure};
use https::{Request, send};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use snc_core::image::Digest;
use snc_images::signature::computed;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub const USER: &str = "reader";
pub const PASSWORD: &str = "to-read-and-write";
/// The same, by bcrypt at the lowest cost: each request is checked anew.
const HASHED: &str = "$2b$04$TNLiPPuxYtAIGfW0Uum8sOFRdz//Xx59FC1prUYBKSzZhpdMTuVzK";
pub const BASIC: &str = "Basic cmVhZGVyOnRvLXJlYWQtYW5kLXdyaXRl";

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

pub struct Registry {
    program: PathBuf,
    process: Option<Child>,
    pub port: u16,
    pub ca: String,
    pub dir: TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Registry {
    pub fn start(program: PathBuf) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &authority)?;
        let files = [
            ("ca.pem", authority.pem()),
            ("tls.pem", certificate.pem()),
            ("tls.key", key.serialize_pem()),
            ("htpasswd", format!("{USER}:{HASHED}\n")),
        ];
        for (name, content) in files {
            fs::write(dir.path().join(name), content)?;
        }
        let mut registry = Self { program, process: None, port: 0, ca: authority.pem(), dir };
        // Somebody may take the port before the registry does.
        for _ in 0..5 {
            registry.port = xtask::harness::free_port()?;
            if registry.resume().is_ok() {
                return Ok(registry);
            }
        }
        bail!("the registry does not start:\n{}", registry.log())
    }

    /// On its port, with what it held.
    pub fn resume(&mut self) -> Result<()> {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let config = json!({
            "version": 0.1,
            "log": { "level": "error", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": path("storage") } },
            "http": {
                "addr": format!("127.0.0.1:{}", self.port),
                "secret": "of a test",
                "tls": { "certificate": path("tls.pem"), "key": path("tls.key") },
            },
            "auth": { "htpasswd": { "realm": "tests", "path": path("htpasswd") } },
        });
        fs::write(path("config.yaml"), config.to_string())?;
        let log = File::options().create(true).append(true).open(path("log"))?;
        let mut process = Command::new(&self.program)
            .args(["serve", &path("config.yaml")])
            .env_clear()
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| self.program.display().to_string())?;
        let up = eventually("the registry", || {
            if process.try_wait()?.is_some() {
                return Ok(false);
            }
            let answer = self.get("/v2/")?;
            ensure!(answer.status == 200, "{}", answer.head);
            Ok(true)
        });
        self.process = Some(process);
        if !matches!(up, Ok(true)) {
            self.stop();
            bail!("{up:?}");
        }
        Ok(())
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Its last words.
    pub fn log(&self) -> String {
        let all = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn send(&self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Result<Answer> {
        send(self.port, &self.ca, BASIC, &Request { method, path, media_type, body })
    }

    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, "", &[])
    }

    pub fn blob(&self, repository: &str, bytes: &[u8]) -> Result<Digest> {
        let digest = computed("sha256", bytes).context("no digest")?;
        let begun = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "", &[])?;
        let place = begun.header("location").context("no place to put a blob")?;
        let path = place.find("/v2/").map_or(place, |at| &place[at..]);
        let done = self.send("PUT", &format!("{path}&digest={digest}"), "application/octet-stream", bytes)?;
        ensure!(done.status == 201, "blob: {}", done.head);
        Ok(digest)
    }

    /// Under a tag, or under its digest.
    pub fn manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        kind: &str,
        manifest: &Value,
    ) -> Result<Digest> {
        self.put(repository, tag, kind, manifest.to_string().as_bytes())
    }

    /// Byte for byte.
    pub fn put(&self, repository: &str, tag: Option<&str>, kind: &str, manifest: &[u8]) -> Result<Digest> {
        let digest = computed("sha256", manifest).context("no digest")?;
        let name = tag.unwrap_or(digest.as_str());
        let done = self.send("PUT", &format!("/v2/{repository}/manifests/{name}"), kind, manifest)?;
        ensure!(done.status == 201, "manifest: {} {}", done.head, String::from_utf8_lossy(&done.body));
        Ok(digest)
    }

    /// An image like no other.
    pub fn image(&self, repository: &str, tag: &str) -> Result<Digest> {
        let config =
            json!({ "architecture": "amd64", "os": "linux", "author": format!("{repository}:{tag}") });
        let config = config.to_string().into_bytes();
        let digest = self.blob(repository, &config)?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": digest, "size": config.len() },
            "layers": [],
        });
        self.manifest(repository, Some(tag), MANIFEST, &manifest)
    }

    pub fn index(&self, repository: &str, tag: &str, children: &[&Digest]) -> Result<Digest> {
        let mut manifests = Vec::new();
        for digest in children {
            let size = self.get(&format!("/v2/{repository}/manifests/{digest}"))?.body.len();
            let platform = json!({ "architecture": "amd64", "os": "linux" });
            manifests
                .push(json!({ "mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform }));
        }
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        self.manifest(repository, Some(tag), INDEX, &index)
    }
}
