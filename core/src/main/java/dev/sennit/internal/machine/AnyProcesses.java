package dev.sennit.internal.machine;

import java.time.Instant;

/**
 * Processes as Java shows them on every system. Start times are milliseconds of the system's clock, or 0 if not
 * available.
 */
final class AnyProcesses implements ProcessIdentity.Processes {
    @Override
    public long started(long pid) {
        return ProcessHandle.of(pid).map(AnyProcesses::started).orElse(0L);
    }

    @Override
    public boolean isAlive(long pid, int started) {
        return ProcessHandle.of(pid).filter(process -> process.isAlive() && (int) started(process) == started)
                .isPresent();
    }

    @Override
    public String scope() {
        return "any";
    }

    private static long started(ProcessHandle process) {
        return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    }
}
