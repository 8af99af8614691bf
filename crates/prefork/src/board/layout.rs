use super::cells::{Core, WorkerCell};

/// Cells of different writers never share a line of the processor's cache.
const LINE: usize = 64;

/// Where everything stands: cells of workers, cells of cores, buffers of cores.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub workers: usize,
    pub threads: usize,
    pub buffer: usize,
    pub total: usize,
    cores_at: usize,
    buffers_at: usize,
}

const fn whole(size: usize, unit: usize) -> usize {
    size.div_ceil(unit) * unit
}

impl Layout {
    pub fn plan(workers: usize, threads: usize, buffer: usize) -> Layout {
        let cores_at = workers * whole(size_of::<WorkerCell>(), LINE);
        let cores_end = cores_at + workers * threads * whole(size_of::<Core>(), LINE);
        let buffers_at = whole(cores_end, 4096);
        let total = buffers_at + workers * threads * whole(buffer, LINE);
        Layout { workers, threads, buffer, total, cores_at, buffers_at }
    }

    pub fn worker(&self, place: usize) -> usize {
        place * whole(size_of::<WorkerCell>(), LINE)
    }

    pub fn core(&self, place: usize, core: usize) -> usize {
        self.cores_at + (place * self.threads + core) * whole(size_of::<Core>(), LINE)
    }

    pub fn buffer_of(&self, place: usize, core: usize) -> usize {
        self.buffers_at + (place * self.threads + core) * whole(self.buffer, LINE)
    }
}
