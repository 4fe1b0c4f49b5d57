//! The first process of a node's namespaces: mounts, network, and then it buries the dead.

use super::{Cgroup, NODE_ADDRESS, NODE_NAME, SERVICE_ADDRESSES, inside::Inside};
use crate::harness::process::ProcessIdentity;
use anyhow::{Context, Result, bail};
use rustix::{
    io::Errno,
    mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change},
    process::{WaitOptions, wait},
};
use std::{
    ffi::CString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

/// What the kubelet would set for the whole machine. It reads that they are as it wants, and writes nothing.
const MASKED: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Returns only on an error: the namespaces live as long as this process.
pub fn init(dir: &Path) -> Result<()> {
    // /proc is still the machine's: this is the pid by which others find us.
    let pid = fs::read_link("/proc/self").context("read /proc/self")?;
    let pid: i32 = pid.to_string_lossy().parse().context("own pid")?;
    let first = ProcessIdentity::of(pid).context("own process")?;
    rustix::system::sethostname(NODE_NAME.as_bytes()).context("set the host name")?;
    mounts(dir)?;
    network()?;
    Inside::write(dir, &first)?;
    loop {
        match wait(WaitOptions::empty()) {
            Err(Errno::CHILD) => thread::sleep(Duration::from_millis(200)),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("wait for children"),
        }
    }
}

fn mounts(dir: &Path) -> Result<()> {
    if dir.starts_with("/run") || dir.starts_with("/var") || dir.starts_with("/proc") {
        bail!("{}: a node has its own /run and /var, put its instance elsewhere", dir.display());
    }
    let hierarchies = Cgroup::hierarchies()?;
    file_system("proc", "/proc", None)?;
    file_system("sysfs", "/sys", None)?;
    file_system("tmpfs", "/sys/fs/cgroup", None)?;
    for hierarchy in hierarchies {
        let target = Path::new("/sys/fs/cgroup").join(hierarchy.directory());
        fs::create_dir(&target)?;
        let named = hierarchy.option.starts_with("name=");
        let option = if named { format!("none,{}", hierarchy.option) } else { hierarchy.option.clone() };
        file_system("cgroup", &target, Some(&option))?;
    }
    file_system("bpf", "/sys/fs/bpf", None)?;
    file_system("tmpfs", "/run", None)?;
    // The kernel gives a pod with users of its own a /proc only where one is seen whole, and below parts of it are hidden.
    fs::create_dir("/run/proc")?;
    file_system("proc", "/run/proc", None)?;
    own_var(dir)?;
    for (name, value) in MASKED {
        let file = dir.join("sysctl").join(name.replace('/', "."));
        fs::write(&file, value).with_context(|| file.display().to_string())?;
        let target = Path::new("/proc/sys").join(name);
        if target.exists() {
            mount_bind(&file, &target).with_context(|| format!("mask {}", target.display()))?;
        }
    }
    // Volumes that the kubelet mounts are to be seen in the mount namespaces of containers.
    mount_change("/", MountPropagationFlags::SHARED | MountPropagationFlags::REC).context("share mounts")
}

/// What kubelet, CNI plugins and others write below /var stays in the node. Pods' volumes are on the disk.
fn own_var(dir: &Path) -> Result<()> {
    let (upper, work) = (PathBuf::from("/run/var/upper"), PathBuf::from("/run/var/work"));
    for dir in [&upper, &work] {
        fs::create_dir_all(dir)?;
    }
    let options = format!("lowerdir=/var,upperdir={},workdir={}", upper.display(), work.display());
    file_system("overlay", "/var", Some(&options))?;
    fs::create_dir_all("/var/lib/kubelet")?;
    mount_bind(dir.join("kubelet"), "/var/lib/kubelet").context("mount /var/lib/kubelet")
}

fn file_system(kind: &str, target: impl AsRef<Path>, options: Option<&str>) -> Result<()> {
    let target = target.as_ref();
    let options = options.map(CString::new).transpose()?;
    mount(kind, target, kind, MountFlags::empty(), options.as_deref())
        .with_context(|| format!("mount {kind} on {}", target.display()))
}

/// A pair of interfaces that leads nowhere carries the node's address.
fn network() -> Result<()> {
    let address = format!("{NODE_ADDRESS}/24");
    // What the node itself sends to a Service, as the API server does, is given a pod's address on its way out; but
    // there has to be a way, which elsewhere is the default route.
    let services = format!("route add {SERVICE_ADDRESSES} dev node0");
    for line in [
        "link set lo up",
        "link add node0 type veth peer name node0-end",
        &format!("address add {address} dev node0"),
        "link set node0 up",
        "link set node0-end up",
        &services,
    ] {
        let status = Command::new("ip").args(line.split(' ')).status().context("run ip")?;
        if !status.success() {
            bail!("`ip {line}` ended with {status}");
        }
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("let the node forward")
}
