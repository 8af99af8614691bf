//! The default system call filter: a list of what no server needs, refused with EPERM, for bubblewrap to load.

use nix::sys::memfd::{MFdFlags, memfd_create};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, sock_filter};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;

/// Kernel surface that is either the administrator's or has a history of holes.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// A memory file with the compiled filter, at its beginning.
pub fn filter_file() -> io::Result<OwnedFd> {
    let program = compile().map_err(io::Error::other)?;
    let fd = memfd_create(c"seccomp", MFdFlags::MFD_CLOEXEC)?;
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for instruction in program {
        // struct sock_filter: u16 code, u8 jt, u8 jf, u32 k, in the machine's byte order.
        bytes.extend_from_slice(&instruction.code.to_ne_bytes());
        bytes.extend_from_slice(&[instruction.jt, instruction.jf]);
        bytes.extend_from_slice(&instruction.k.to_ne_bytes());
    }
    let mut file = File::from(fd);
    // In one piece: somebody may wait for the instance.
    file.write_all(&bytes)?;
    file.rewind()?;
    Ok(OwnedFd::from(file))
}

/// Loads the filter for this process and everything it becomes; it must have given up new privileges before.
pub fn load() -> io::Result<()> {
    let program = compile().map_err(io::Error::other)?;
    seccompiler::apply_filter(&program).map_err(io::Error::other)
}

/// The second numbering of system calls on x86-64 would walk around the list: there is no such call here.
const NO_X32: [sock_filter; 3] = [
    sock_filter { code: 0x20, jt: 0, jf: 0, k: 0 }, // load the number
    sock_filter { code: 0x35, jt: 0, jf: 1, k: 0x4000_0000 }, // at least the x32 bit?
    sock_filter { code: 0x06, jt: 0, jf: 0, k: 0x0005_0000 | libc::ENOSYS as u32 }, // then ENOSYS
];

fn compile() -> Result<BpfProgram, seccompiler::BackendError> {
    let listed = compile_list()?;
    // Its jumps are relative, so instructions may be put before it.
    let prefix: &[sock_filter] = if cfg!(target_arch = "x86_64") { &NO_X32 } else { &[] };
    Ok(prefix.iter().cloned().chain(listed).collect())
}

fn compile_list() -> Result<BpfProgram, seccompiler::BackendError> {
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_filter_is_whole_instructions_and_small_enough_for_the_kernel() {
        let mut bytes = Vec::new();
        File::from(filter_file().unwrap()).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() % 8, 0);
        assert!(bytes.len() / 8 > REFUSED.len() && bytes.len() / 8 < 4096);
    }
}
