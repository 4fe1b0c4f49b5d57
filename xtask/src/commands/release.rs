//! `cargo xtask release`: everything that a version is handed out as, made from the commit that is checked out.

mod build;
mod chart;
mod checksums;
mod elf;
mod krew;
mod output;
mod platform;
mod provenance;
mod repository;
mod sbom;
mod sign;
mod source;

use super::cargo::cargo;
use crate::{
    harness::{Client, Environment, Tool, Toolchain, workspace},
    image::{self, Image, Layout},
};
use anyhow::{Context, Result, bail};
use checksums::{Files, sha256};
use platform::{Machine, Platform, Tools};
use serde_json::json;
use source::Source;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const CHECKSUMS: &str = "checksums.txt";
const PROVENANCE: &str = "provenance.intoto.json";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the files go; a release that is there is replaced [default: target/release-artifacts/VERSION]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Profile of cargo: `release` is what users get, `ci` is quick to build
    #[arg(long, default_value = "release", value_parser = ["release", "ci"])]
    profile: String,
    /// What to build for; without it, everything that this machine has a standard library and a C compiler for
    #[arg(long, value_enum, value_delimiter = ',')]
    platform: Vec<Platform>,
    /// Repository that the nodes will pull the image from, without tag
    #[arg(long, value_name = "REPOSITORY", default_value = "snc-operator")]
    image: String,
    /// Address that the archives for krew will be downloaded from, without their names
    #[arg(long, value_name = "URL")]
    download_url: Option<String>,
    /// Sign the image, the checksums and the provenance: EC P-256 in PKCS#8, PEM, not encrypted
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    /// Who builds, as the provenance names them
    #[arg(long, value_name = "URI", default_value = provenance::BUILDER)]
    builder_id: String,
    /// Build a second time, in a clone of the commit somewhere else, and fail if a file differs
    #[arg(long)]
    check_reproducible: bool,
    /// Go on with changes that no commit has; the provenance says so
    #[arg(long, conflicts_with = "check_reproducible")]
    allow_dirty: bool,
}

impl Args {
    /// What the node of the tests installs: for this machine, quick to build, and of what is checked out with whatever was
    /// changed in it.
    pub(super) fn of_tests(output: PathBuf) -> Self {
        Self {
            output: Some(output),
            profile: super::cargo::PROFILE.to_owned(),
            platform: vec![Platform::of_this_machine()],
            image: "localhost/snc-operator".to_owned(),
            download_url: None,
            sign_key: None,
            builder_id: provenance::BUILDER.to_owned(),
            check_reproducible: false,
            allow_dirty: true,
        }
    }
}

/// A release before it is signed and written.
struct Release {
    files: Files,
    /// Of all platforms, then of each.
    index: Image,
    images: Vec<Image>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    // What can be refused is refused before the long build.
    repository::check(&args.image)?;
    krew::manifest(VERSION, args.download_url.as_deref(), &[])?;
    let key = args.sign_key.as_deref().map(sign::Key::read).transpose()?;
    let target = workspace::target_dir();
    let output = args.output.clone().unwrap_or_else(|| target.join("release-artifacts").join(VERSION));
    output::check(&output)?;
    let source = Source::checkout(&workspace::root(), target.join("release-build"))?;
    if source.changed && !args.allow_dirty {
        bail!("there are changes that no commit has: commit them, or say --allow-dirty");
    }
    let machine = Machine {
        path: platform::search_path(),
        variable: &platform::set_variable,
        standard_library: &platform::standard_library,
    };
    let (platforms, missing) = machine.choose(&args.platform)?;

    let release = make(&source, args, &platforms)?;
    if args.check_reproducible {
        check_reproducible(&source, args, &platforms, &release)?;
    }
    let signed = output::write(&output, &release, &args.image, key.as_ref())?;
    report(&output, &release, &platforms, &missing, &signed);
    Ok(())
}

fn make(source: &Source, args: &Args, platforms: &[Tools]) -> Result<Release> {
    let root = &source.root;
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
    let license = fs::read(root.join("LICENSE")).context("LICENSE")?;
    let used = tools(platforms)?;
    let rust = used.get("rustc").map(String::as_str).unwrap_or_default();
    let (mut files, mut images, mut archives) = (Files::new(), Vec::new(), Vec::new());
    for tools in platforms {
        let platform = tools.platform;
        let built = build::build(source, tools, &args.profile)?;
        let metadata = metadata(source, platform)?;
        for (binary, package) in build::BINARIES {
            let content = built.binaries.get(binary).context(binary)?;
            let name = format!("{binary}_{VERSION}_linux_{}", platform.name());
            let sha256 = sha256(content);
            let subject = sbom::Subject { binary, package, platform, sha256: &sha256, rust };
            let bill = sbom::bill(&metadata, &built.compiled, &sbom::checksums(&lock), &subject)?;
            files.insert(format!("{name}.cdx.json"), pretty(&bill)?);
            files.insert(name, content.clone());
        }
        images.push(image::operator(&built.dir.join("snc-operator"), platform.name(), labels(source))?);
        let kubectl = built.binaries.get("kubectl-snc").context("kubectl-snc")?;
        archives.push((platform, krew::archive(kubectl, &license)?));
    }
    let index = Image::platforms(&images)?;
    let name = format!("{}:{VERSION}", repository::full(&args.image));
    files.insert(
        format!("snc-operator_{VERSION}_image.tar"),
        Layout::default().image(&name, &index).archive()?,
    );
    files.insert(
        "snc.yaml".to_owned(),
        krew::manifest(VERSION, args.download_url.as_deref(), &archives)?.into(),
    );
    files.extend(
        archives.into_iter().map(|(platform, archive)| (krew::archive_name(VERSION, platform), archive)),
    );
    files.extend(charts(root, &args.image, index.digest())?);

    let mut subjects: BTreeMap<String, String> =
        files.iter().map(|(name, content)| (name.clone(), sha256(content))).collect();
    subjects.insert(name, index.digest().replacen("sha256:", "", 1));
    let made = provenance::Made {
        source,
        lock_file: &sha256(lock.as_bytes()),
        parameters: json!({
            "profile": args.profile,
            "platform": platforms.iter().map(|tools| tools.platform.name()).collect::<Vec<_>>(),
            "image": args.image,
            "downloadUrl": args.download_url,
        }),
        builder: &args.builder_id,
        tools: &used,
    };
    files.insert(PROVENANCE.to_owned(), pretty(&provenance::statement(&made, &subjects))?);
    files.insert(CHECKSUMS.to_owned(), checksums::list(&files).into());
    Ok(Release { files, index, images })
}

fn charts(root: &Path, repository: &str, digest: &str) -> Result<Files> {
    let toolchain = Toolchain::ensure_tools(&Environment::current()?, &Tool::CLIENTS)?;
    let scratch = tempfile::tempdir()?;
    let client = Client::new(&toolchain, &scratch.path().join("none"), scratch.path())?;
    chart::Chart { client: &client, root, version: VERSION, repository, digest }.files()
}

fn metadata(source: &Source, platform: Platform) -> Result<sbom::Metadata> {
    let mut command =
        cargo(["metadata", "--locked", "--format-version=1", "--filter-platform", platform.target()]);
    let said = build::output(command.current_dir(&source.root))?;
    serde_json::from_str(&said).context("cargo metadata")
}

/// What made the bytes: another version of one may make others.
fn tools(platforms: &[Tools]) -> Result<BTreeMap<String, String>> {
    let verbose = build::rustc(&["-vV"])?;
    let release = verbose.lines().find_map(|line| line.strip_prefix("release: ")).context("rustc -vV")?;
    let mut used = BTreeMap::from([("rustc".to_owned(), release.to_owned())]);
    for Tools { platform, compiler, .. } in platforms {
        let said = build::output(Command::new(compiler).arg("--version"))?;
        let first = said.lines().next().unwrap_or_default().to_owned();
        used.insert(format!("cc-{}", platform.name()), first);
    }
    Ok(used)
}

fn labels(source: &Source) -> BTreeMap<String, String> {
    let labels = [
        ("title", "snc-operator"),
        ("version", VERSION),
        ("revision", source.revision.as_str()),
        ("licenses", "Apache-2.0"),
    ];
    labels.map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.to_owned())).into()
}

fn pretty(value: &serde_json::Value) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

fn check_reproducible(source: &Source, args: &Args, platforms: &[Tools], first: &Release) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let elsewhere = source.clone_to(scratch.path())?;
    println!("building {} again in {}", elsewhere.revision, elsewhere.root.display());
    let second = make(&elsewhere, args, platforms)?;
    let differences = checksums::differences(&first.files, &second.files);
    if !differences.is_empty() {
        bail!("not reproducible:\n  {}", differences.join("\n  "));
    }
    println!("reproducible: {} files are the same, byte for byte, from two directories", first.files.len());
    Ok(())
}

fn report(output: &Path, release: &Release, platforms: &[Tools], missing: &[String], signed: &[String]) {
    for (name, content) in &release.files {
        println!("{:>10}  {}  {name}", content.len(), sha256(content));
    }
    println!("image   {} (directory image, tag {VERSION})", release.index.digest());
    println!(
        "made    {}",
        platforms.iter().map(|tools| tools.platform.name()).collect::<Vec<_>>().join(", ")
    );
    for why in missing {
        println!("not made: {why}");
    }
    match signed {
        [] => println!("signed  nothing: no --sign-key"),
        names => println!("signed  {}", names.join(", ")),
    }
    println!("in      {}", output.display());
}
