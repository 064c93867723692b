package dev.sennit.cli.watch;

import dev.sennit.cli.command.CommandException;
import dev.sennit.internal.Quietly;
import dev.sennit.observe.PoolsBean;
import dev.sennit.observe.PoolsMXBean;
import dev.sennit.process.WorkerPools;
import dev.sennit.process.WorkerPoolsMXBean;
import dev.sennit.process.WorkerPoolsMXBean.WorkerPool;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.management.JMException;
import javax.management.JMX;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;

/**
 * A JVM, over its MBean server. The JVM keeps figures of its tasks while it is looked at, and drops them some seconds
 * after the last look, whatever becomes of this process.
 */
final class TopOfJvm implements TopTarget {
    private static final long LONGEST_WAIT = TimeUnit.SECONDS.toNanos(3);
    /** More do not fit on a screen. */
    private static final int MOST_RUNNING = 200;
    private static final long LOOK_AGAIN = TimeUnit.MILLISECONDS.toNanos(50);

    private final long pid;
    private final int leaseSeconds;
    private final JMXConnector connector;
    private final MBeanServerConnection server;

    /**
     * Connects to a JVM.
     *
     * @param leaseSeconds longer than the time between two looks
     * @throws CommandException if there is no such JVM, or it has no Sennit
     */
    TopOfJvm(long pid, int leaseSeconds) {
        this.pid = pid;
        this.leaseSeconds = leaseSeconds;
        connector = JvmReader.connect(pid);
        boolean isOpen = false;
        try {
            server = connector.getMBeanServerConnection();
            JvmReader.makeOne(server, PoolsBean.class, PoolsMXBean.NAME);
            JvmReader.makeOne(server, WorkerPools.class, WorkerPoolsMXBean.NAME);
            awaitBean();
            for (PoolsMXBean bean : pools()) {
                bean.startFigures(leaseSeconds);
            }
            isOpen = true;
        } catch (IOException | JMException | RuntimeException e) {
            throw failure(e);
        } finally {
            if (!isOpen) {
                close();
            }
        }
    }

    /** A copy of the library in a class loader of its own needs a moment to register its beans. */
    private void awaitBean() throws IOException, JMException {
        long start = System.nanoTime();
        while (namesOf(PoolsMXBean.NAME).isEmpty()) {
            if (System.nanoTime() - start > LONGEST_WAIT) {
                throw JvmReader.hasNoPools(pid);
            }
            LockSupport.parkNanos(LOOK_AGAIN);
        }
    }

    private Set<ObjectName> namesOf(String name) throws IOException, JMException {
        return server.queryNames(new ObjectName(name + ",*"), null);
    }

    private List<PoolsMXBean> pools() throws IOException, JMException {
        return namesOf(PoolsMXBean.NAME).stream()
                .sorted()
                .map(name -> JMX.newMXBeanProxy(server, name, PoolsMXBean.class))
                .toList();
    }

    private CommandException failure(Exception e) {
        return e instanceof CommandException said
                ? said
                : CommandException.failed(
                        "process " + pid + " could not be read: " + CommandException.taskFailure(e), e);
    }

    @Override
    public Look look() {
        try {
            List<PoolsMXBean> beans = pools();
            List<PoolsMXBean.Figures> figures = new ArrayList<>();
            List<PoolsMXBean.ProgressNow> progress = new ArrayList<>();
            for (PoolsMXBean bean : beans) {
                figures.add(figuresOf(bean));
                progress.addAll(bean.progress(MOST_RUNNING));
            }
            List<WorkerPool> workerPools = namesOf(WorkerPoolsMXBean.NAME).stream()
                    .sorted()
                    .flatMap(name -> JMX.newMXBeanProxy(server, name, WorkerPoolsMXBean.class).pools().stream())
                    .toList();
            return new Jvm(
                    pid,
                    System.nanoTime(),
                    beans.stream().flatMap(bean -> bean.pools().stream()).toList(),
                    workerPools,
                    beans.stream().flatMap(bean -> bean.running(MOST_RUNNING).stream()).toList(),
                    new PoolsMXBean.Figures(
                            figures.stream().mapToLong(PoolsMXBean.Figures::missed).sum(),
                            figures.stream().flatMap(one -> one.tasks().stream()).toList()),
                    progress);
        } catch (IOException | JMException | RuntimeException e) {
            if (ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isEmpty() || e instanceof IOException) {
                return new Gone("process " + pid + " has ended");
            }
            throw failure(e);
        }
    }

    /** Begins anew if the lease is over: this process was stopped, for example. */
    private PoolsMXBean.Figures figuresOf(PoolsMXBean bean) {
        try {
            return bean.figures();
        } catch (IllegalStateException e) {
            bean.startFigures(leaseSeconds);
            return bean.figures();
        }
    }

    /** The figures stay until their lease is over: another tool may look at them. */
    @Override
    public void close() {
        Quietly.close(connector::close);
    }
}
