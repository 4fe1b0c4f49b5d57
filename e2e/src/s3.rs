//! An S3 server with object lock as a process of ours: moto, from `PyPI`, in a directory of the cache.

use crate::wait::within;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// What is asked of `PyPI`; what it needs comes with it.
const MOTO: &str = "moto[s3,server]==5.2.5";
const START: &str = "import sys; from moto.server import main; main(sys.argv[1:])";

pub struct S3 {
    process: Child,
    port: u16,
    log: TempDir,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl S3 {
    /// Somebody may take the port before the server does: then on another one.
    pub fn start() -> Result<Self> {
        let library = library()?;
        let first = Self::start_once(&library);
        first.or_else(|why| Self::start_once(&library).with_context(|| format!("and before that: {why:#}")))
    }

    fn start_once(library: &Path) -> Result<Self> {
        let log = TempDir::new()?;
        let port = xtask::harness::free_port()?;
        let file = File::create(log.path().join("log"))?;
        let process = Command::new("python3")
            .args(["-c", START, "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("PYTHONPATH", library)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("python3")?;
        let mut server = Self { process, port, log };
        within(Duration::from_secs(60), "the S3 server", || {
            let ended = server.process.try_wait()?;
            ensure!(ended.is_none(), "it ended: {}", server.said());
            ensure!(server.send("GET", "/moto-api/", &[], "")?.0 == 200, "not yet");
            Ok(())
        })?;
        Ok(server)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn said(&self) -> String {
        fs::read_to_string(self.log.path().join("log")).unwrap_or_default()
    }

    pub fn bucket(&self, name: &str) -> Result<()> {
        self.done("PUT", &format!("/{name}"), &[], "")
    }

    /// Nothing in it can be removed for so many days, by nobody.
    pub fn locked_bucket(&self, name: &str, days: u32) -> Result<()> {
        self.done("PUT", &format!("/{name}"), &[("x-amz-bucket-object-lock-enabled", "true")], "")?;
        let rule = format!(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
             <Mode>COMPLIANCE</Mode><Days>{days}</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
        );
        self.done("PUT", &format!("/{name}?object-lock"), &[], &rule)
    }

    fn done(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<()> {
        let (status, answer) = self.send(method, path, headers, body)?;
        ensure!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        Ok(())
    }

    /// Signed by nobody: the server does not ask.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let more =
            headers.iter().fold(String::new(), |more, (name, value)| more + name + ": " + value + "\r\n");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Ok((status.with_context(|| head.to_owned())?, body.to_owned()))
    }
}

/// Where it is, and put there the first time.
fn library() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME")?;
    let directory = cache.join("snc-operator/python").join(MOTO.replace(['[', ']', ',', '='], "-"));
    if directory.join("moto").is_dir() {
        return Ok(directory);
    }
    let parent = directory.parent().context("a directory")?;
    fs::create_dir_all(parent)?;
    let fresh = tempfile::tempdir_in(parent)?;
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
        .arg(fresh.path())
        .arg(MOTO)
        .output()
        .context("python3")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{MOTO} cannot be installed; needed: python3 with pip (Debian: python3-pip), and a package index: {said}"
    );
    // Whoever was quicker put the same there.
    if fs::rename(fresh.keep(), &directory).is_err() {
        ensure!(directory.join("moto").is_dir(), "{} cannot be made", directory.display());
    }
    Ok(directory)
}
