package dev.sennit.cli.services;

import dev.sennit.internal.linux.SystemdNotifier;
import dev.sennit.service.ServiceLog;
import dev.sennit.service.ServiceManager;
import dev.sennit.service.ServiceStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Tells systemd how a manager does: when it is ready, reloads and stops, and that its thread lives. Does nothing where
 * nobody wants to know.
 */
final class SystemdTeller {
    private static final Duration PERIOD = Duration.ofSeconds(1);
    /** Until all are ready: somebody waits to be told. */
    private static final Duration FIRST_PERIOD = Duration.ofMillis(100);

    private final SystemdNotifier notifier;
    private final ServiceManager manager;
    private final ServiceLog log;

    /** Held while a message is sent, so that systemd hears of a reload and of its end in that order. */
    private final ReentrantLock telling = new ReentrantLock();
    // guarded by telling
    private int reloads;
    private boolean hasSaidReady;
    private boolean isStopping;
    /** Whether another manager speaks to systemd: one that is to hand over, or has taken over. */
    private boolean isSilent;

    private volatile String failedReload = ""; // written under telling

    // of the thread that looks
    private @Nullable CompletableFuture<Void> proofOfLife;
    private String said = "";

    SystemdTeller(SystemdNotifier notifier, ServiceManager manager, ServiceLog log) {
        this.notifier = notifier;
        this.manager = manager;
        this.log = log;
    }

    /** The time until the next {@link #look}. */
    Duration period() {
        telling.lock();
        try {
            if (!hasSaidReady) {
                return FIRST_PERIOD;
            }
        } finally {
            telling.unlock();
        }
        Duration half = notifier.watchdogLimit().map(limit -> limit.dividedBy(2)).orElse(PERIOD);
        return half.compareTo(PERIOD) < 0 ? half : PERIOD;
    }

    /** Tells what is new since the last look. To be called by one thread. */
    void look() {
        try {
            sayReadyIfUp();
            if (!notifier.isWanted() || isSilent()) {
                return;
            }
            String now = summary();
            if (!now.equals(said)) {
                notifier.status(now);
                said = now;
            }
            CompletableFuture<Void> asked = proofOfLife;
            if (asked == null || asked.isDone()) { // else the manager's thread hangs, and systemd shall find that out
                if (asked != null && !asked.isCompletedExceptionally()) {
                    notifier.watchdog();
                }
                proofOfLife = manager.whenAlive();
            }
        } catch (IOException e) {
            String why = String.valueOf(e.getMessage());
            if (!said.equals(why)) {
                said = why;
                log.note("systemd cannot be told: " + why);
            }
        }
    }

    private void sayReadyIfUp() throws IOException {
        telling.lock();
        try {
            if (!hasSaidReady && !isStopping && !isSilent && reloads == 0 && manager.isUp()) {
                notifier.ready();
                hasSaidReady = true;
            }
        } finally {
            telling.unlock();
        }
    }

    private String summary() {
        List<ServiceStatus> services = manager.services();
        int wanted = services.stream().mapToInt(ServiceStatus::wanted).sum();
        int up = services.stream().mapToInt(one -> one.isUp() ? one.wanted() : one.ready()).sum();
        return up + " of " + wanted + " workers of " + services.size() + " services are ready or done" + failedReload;
    }

    /** A reload begins. Several may overlap: systemd hears of the first and of the last. */
    void reloadBegins() {
        telling.lock();
        try {
            if (reloads++ == 0 && !isSilent) {
                notifier.reloading();
            }
        } catch (IOException e) {
            log.note("systemd cannot be told of a reload: " + e.getMessage());
        } finally {
            telling.unlock();
        }
    }

    /** A reload ends; with the reason, if it failed. The reason stays in the status until another succeeds. */
    void reloadEnds(@Nullable String failure) {
        telling.lock();
        try {
            failedReload = failure == null ? "" : "; the last reload failed: " + failure;
            if (--reloads == 0 && hasSaidReady && !isStopping && !isSilent) {
                notifier.ready();
            }
        } catch (IOException e) {
            log.note("systemd cannot be told of a reload's end: " + e.getMessage());
        } finally {
            telling.unlock();
        }
    }

    void stopping() {
        telling.lock();
        try {
            isStopping = true;
            if (!isSilent) {
                notifier.stopping();
            }
        } catch (IOException e) {
            // systemd sees the end
        } finally {
            telling.unlock();
        }
    }

    // ---- handover ----

    private boolean isSilent() {
        telling.lock();
        try {
            return isSilent;
        } finally {
            telling.unlock();
        }
    }

    /** Says nothing until {@link #speak}: another manager is the main process of the unit. */
    void beSilent() {
        telling.lock();
        try {
            isSilent = true;
        } finally {
            telling.unlock();
        }
    }

    /** This is the main process of the unit now. */
    void speak() {
        telling.lock();
        try {
            isSilent = false;
        } finally {
            telling.unlock();
        }
    }

    /** The last word: another manager is the main process from now on. Systemd believes that of the main process. */
    void handOver(long pid) {
        telling.lock();
        try {
            isSilent = true;
            notifier.mainProcess(pid);
        } catch (IOException e) {
            log.note("systemd cannot be told that process " + pid + " is the main process: " + e.getMessage());
        } finally {
            telling.unlock();
        }
    }
}
