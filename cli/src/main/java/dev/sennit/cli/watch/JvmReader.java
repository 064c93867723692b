package dev.sennit.cli.watch;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import dev.sennit.cli.command.CommandException;
import dev.sennit.loop.Loops;
import dev.sennit.loop.LoopsMXBean;
import dev.sennit.observe.PeriodicWorkersBean;
import dev.sennit.observe.PeriodicWorkersMXBean;
import dev.sennit.observe.PoolsBean;
import dev.sennit.observe.PoolsMXBean;
import dev.sennit.process.WorkerPools;
import dev.sennit.process.WorkerPoolsMXBean;
import dev.sennit.service.ServicesBean;
import dev.sennit.service.ServicesMXBean;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.management.InstanceAlreadyExistsException;
import javax.management.JMException;
import javax.management.JMX;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.ReflectionException;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.jspecify.annotations.Nullable;

/**
 * Reads the pools, event loops, worker processes, periodic workers and services of another JVM of the same user.
 *
 * <p>The reader attaches to the JVM and has it start its own management agent, which loads no foreign code, so prints
 * no warning, and serves only this user. Then the reader has the JVM's MBean server create the library's beans, which
 * do not exist before. Where the server does not know the library's class loader, the library registers its beans
 * itself as soon as it sees the server.
 */
final class JvmReader {
    private static final long LONGEST_WAIT = TimeUnit.SECONDS.toNanos(3);
    private static final String PROCESSES = "processes";
    private static final String LOOP = "loop";
    private static final long LOOK_AGAIN = TimeUnit.MILLISECONDS.toNanos(50);

    private JvmReader() {}

    /**
     * What is there in a JVM.
     *
     * @param pools all pools, of which those of processes and the loops are told of in more detail too
     */
    record Seen(
            List<LoopsMXBean.Loop> loops,
            List<WorkerPoolsMXBean.WorkerPool> workerPools,
            List<PoolsMXBean.PoolNow> pools,
            List<PeriodicWorkersMXBean.WorkerNow> periodicWorkers,
            List<ServicesMXBean.ManagerNow> managers) {
        boolean isNothing() {
            return loops.isEmpty() && workerPools.isEmpty() && pools.isEmpty() && periodicWorkers.isEmpty()
                    && managers.isEmpty();
        }

        /** Returns whether another bean tells of a pool in more detail. */
        boolean isToldInDetail(PoolsMXBean.PoolNow pool) {
            return switch (pool.kind()) {
                case PROCESSES -> workerPools.stream().anyMatch(one -> one.name().equals(pool.name()));
                case LOOP -> loops.stream().anyMatch(one -> one.name().equals(pool.name()));
                default -> false;
            };
        }

        /**
         * Returns whether each pool that has details has them here. A copy of the library registers its beans one after
         * another.
         */
        boolean isWhole() {
            return pools.stream()
                    .filter(pool -> pool.kind().equals(PROCESSES) || pool.kind().equals(LOOP))
                    .allMatch(this::isToldInDetail);
        }
    }

    /** What a command does with the MBean server of another JVM. */
    interface Use<T extends @Nullable Object> {
        T with(MBeanServerConnection server) throws IOException, JMException;
    }

    /**
     * Connects to the MBean server of a JVM.
     *
     * @throws CommandException if there is no such JVM, or this user may not
     */
    @SuppressWarnings("BanJNDI") // the address is not looked up: the attached JVM has returned it
    static JMXConnector connect(long pid) {
        String address = startAgent(pid);
        try {
            return JMXConnectorFactory.connect(new JMXServiceURL(address));
        } catch (IOException | RuntimeException e) {
            if (hasOtherNetwork(pid)) {
                throw CommandException.couldNotStart("process " + pid
                        + " is in another container, whose network this command does not see: run this in there", e);
            }
            throw CommandException.failed("process " + pid + " could not be read: " + CommandException.taskFailure(e),
                    e);
        }
    }

    /** Returns whether the loopback address of a process is another one than here; false where that is not known. */
    private static boolean hasOtherNetwork(long pid) {
        try {
            Path other = Path.of("/proc/" + pid + "/ns/net");
            return !Files.readSymbolicLink(other).equals(Files.readSymbolicLink(Path.of("/proc/self/ns/net")));
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }

    static Seen read(long pid) {
        return connected(pid, server -> {
            makeOne(server, Loops.class, LoopsMXBean.NAME);
            makeOne(server, WorkerPools.class, WorkerPoolsMXBean.NAME);
            makeOne(server, PoolsBean.class, PoolsMXBean.NAME);
            makeOne(server, PeriodicWorkersBean.class, PeriodicWorkersMXBean.NAME);
            makeOne(server, ServicesBean.class, ServicesMXBean.NAME);
            return seen(server).orElseThrow(() -> hasNoPools(pid));
        });
    }

    /**
     * Connects to a JVM for as long as a command uses it.
     *
     * @throws CommandException if there is no such JVM, or it cannot be read any more
     */
    static <T extends @Nullable Object> T connected(long pid, Use<T> use) {
        try (JMXConnector connector = connect(pid)) {
            return use.with(connector.getMBeanServerConnection());
        } catch (CommandException e) {
            throw e;
        } catch (IOException | JMException | RuntimeException e) {
            throw CommandException.failed("process " + pid + " could not be read: " + CommandException.taskFailure(e),
                    e);
        }
    }

    static CommandException hasNoPools(long pid) {
        return CommandException.failed("process " + pid + " has no Sennit with open pools", null);
    }

    /** Reads an argument of a command. */
    static long pid(String text) {
        if (!text.matches("[1-9]\\d{0,17}")) {
            throw CommandException.usage("PID must be the number of a process, was \"" + text + '"');
        }
        return Long.parseLong(text);
    }

    /** Has the server create a bean of the library, unless it is there, or the library is not. */
    static void makeOne(MBeanServerConnection server, Class<?> bean, String name)
            throws IOException, JMException {
        try {
            server.createMBean(bean.getName(), new ObjectName(name));
        } catch (InstanceAlreadyExistsException e) {
            // an earlier reader has created the bean
        } catch (ReflectionException e) {
            // the library is not on the class path, or is older
        }
    }

    /**
     * Returns the loops and pools of all copies of the library; empty if there is none. Waits for the first loop or
     * pool, and for the details of all: a copy in another class loader needs a moment to see the server.
     */
    private static Optional<Seen> seen(MBeanServerConnection server) throws IOException, JMException {
        long start = System.nanoTime();
        while (true) {
            List<LoopsMXBean> loops = beans(server, LoopsMXBean.class, LoopsMXBean.NAME);
            List<WorkerPoolsMXBean> workerPools = beans(server, WorkerPoolsMXBean.class, WorkerPoolsMXBean.NAME);
            List<PoolsMXBean> pools = beans(server, PoolsMXBean.class, PoolsMXBean.NAME);
            List<PeriodicWorkersMXBean> periodic =
                    beans(server, PeriodicWorkersMXBean.class, PeriodicWorkersMXBean.NAME);
            List<ServicesMXBean> services = beans(server, ServicesMXBean.class, ServicesMXBean.NAME);
            var seen = new Seen(
                    loops.stream().flatMap(bean -> bean.loops().stream()).toList(),
                    workerPools.stream().flatMap(bean -> bean.pools().stream()).toList(),
                    pools.stream().flatMap(bean -> bean.pools().stream()).toList(),
                    periodic.stream().flatMap(bean -> bean.workers().stream()).toList(),
                    services.stream().flatMap(bean -> bean.managers().stream()).toList());
            if (!seen.isNothing() && seen.isWhole() || System.nanoTime() - start > LONGEST_WAIT) {
                return loops.isEmpty() && workerPools.isEmpty() && pools.isEmpty() && periodic.isEmpty()
                        && services.isEmpty()
                                ? Optional.empty()
                                : Optional.of(seen);
            }
            LockSupport.parkNanos(LOOK_AGAIN);
        }
    }

    /**
     * Returns the beans for the pools of all copies of the library: at least one. Waits for the first.
     *
     * @throws CommandException if there is no library
     */
    static List<PoolsMXBean> pools(MBeanServerConnection server, long pid) throws IOException, JMException {
        makeOne(server, PoolsBean.class, PoolsMXBean.NAME);
        long start = System.nanoTime();
        while (true) {
            List<PoolsMXBean> pools = beans(server, PoolsMXBean.class, PoolsMXBean.NAME);
            if (!pools.isEmpty()) {
                return pools;
            }
            if (System.nanoTime() - start > LONGEST_WAIT) {
                throw hasNoPools(pid);
            }
            LockSupport.parkNanos(LOOK_AGAIN);
        }
    }

    /** Returns the beans of all copies of the library. */
    private static <T> List<T> beans(MBeanServerConnection server, Class<T> type, String name)
            throws IOException, JMException {
        return server.queryNames(new ObjectName(name + ",*"), null).stream()
                .sorted()
                .map(one -> JMX.newMXBeanProxy(server, one, type))
                .toList();
    }

    private static String startAgent(long pid) {
        String what = "process " + pid;
        ProcessHandle process = ProcessHandle.of(pid)
                .orElseThrow(() -> CommandException.usage("no " + what + ": jps lists the JVMs that there are"));
        if (pid == ProcessHandle.current().pid()) {
            throw CommandException.usage(what + " is this command itself");
        }
        try {
            VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
            try {
                return machine.startLocalManagementAgent();
            } finally {
                machine.detach();
            }
        } catch (AttachNotSupportedException e) {
            throw CommandException.usage(what + " is no JVM that answers: jps lists those that there are", e);
        } catch (IOException e) {
            String owner = process.info().user().orElse("");
            String self = System.getProperty("user.name");
            throw owner.isEmpty() || owner.equals(self)
                    ? CommandException.couldNotStart("could not attach to " + what + ": " + CommandException.oneLine(e),
                            e)
                    : CommandException.couldNotStart(
                            what + " belongs to " + owner + ": run this as that user, was " + self, e);
        }
    }
}
