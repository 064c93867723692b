package dev.sennit.process;

import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Makes the archive of classes before the first test where {@code -Dsennit.test.archive=true}. A pool makes it after
 * seconds, which few of the tests' pools live: most of their workers would start without it, a third slower.
 */
public final class ArchiveBeforeTests implements LauncherSessionListener {
    /** For the service loader. */
    public ArchiveBeforeTests() {}

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        if (Boolean.getBoolean("sennit.test.archive")) {
            try (ProcessPool pool = ProcessPool.builder().workers(1).open()) {
                WorkerArchive archive = pool.archive();
                if (archive != null) {
                    archive.make(pool);
                }
            }
        }
    }
}
