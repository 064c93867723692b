package dev.sennit.service;

import dev.sennit.internal.linux.ProcessTitle;
import dev.sennit.process.ParentProcess;
import dev.sennit.process.WorkerProcess;
import java.io.File;
import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * The main of a Java service's process. It consists of small records: for a record with eleven components the JDK would
 * generate many more classes at each start, and a spare has loaded those for small records before.
 */
record ServiceMain(Identity identity, Code code, Limits limits, Given given) implements WorkerProcess.Main {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * The identity of the worker.
     *
     * @param manager the name of the service's manager
     * @param name the service's name
     * @param id the worker's number
     * @param generation the service's generation
     */
    record Identity(String manager, String name, int id, long generation) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    /**
     * The service, or its class.
     *
     * @param service the service; null if it is made from its class here
     * @param className the class of the service; null if the service is given
     * @param saysWhenReady whether the service itself reports that it is ready
     */
    record Code(@Nullable Service service, @Nullable String className, boolean saysWhenReady) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    /**
     * The times of the worker.
     *
     * @param beat the time between two heartbeats; zero for none
     * @param stop how long the worker has to end, if the manager has not set a time
     */
    record Limits(Duration beat, Duration stop) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    /**
     * The listener and values from the settings.
     *
     * @param listener how the worker gets its listener; null if it has none
     * @param values the values by name
     */
    record Given(@Nullable WorkerListener listener, Map<String, Serializable> values) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    /**
     * Runs the service, and ends the process, as threads that the service left behind must not keep an idle worker
     * alive.
     */
    @Override
    @SuppressWarnings("SystemExitOutsideMain") // it is the main of its process
    public void run() {
        int exitCode = 1;
        ProcessTitle.set(identity.manager() + ": " + identity.name() + " worker(" + identity.id() + ")");
        try {
            ParentProcess parent = WorkerProcess.parent().orElseThrow();
            var worker = new RunningService(this, parent);
            exitCode = runIn(worker);
        } catch (Throwable e) {
            e.printStackTrace();
        } finally {
            System.exit(exitCode);
        }
    }

    private int runIn(RunningService worker) throws Exception {
        Service made;
        try {
            made = code.service() != null ? code.service() : newService();
        } catch (ServiceException e) { // its message is enough; a stack would be logged at each retry of the manager
            System.err.println(e.getMessage());
            return 1;
        }
        worker.begin(made);
        try {
            worker.listen();
            made.initialize(worker);
            if (!code.saysWhenReady()) {
                worker.ready();
            }
            made.run(worker);
        } catch (InterruptedException e) {
            if (!worker.isStopping()) {
                throw e;
            }
        }
        worker.awaitTerminated();
        return 0;
    }

    /**
     * Returns the names of the class path's parts, without the folder and number of a copy, which are of no use to a
     * reader.
     */
    private static String classPath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .filter(part -> part.getFileName() != null)
                .map(part -> part.getFileName().toString().replaceFirst("^\\d+-", "")
                        + (isReadable(part) ? "" : " (no jar that can be read)"))
                .collect(Collectors.joining(", "));
    }

    private static boolean isReadable(Path part) {
        if (Files.isDirectory(part)) {
            return true;
        }
        try (var _ = new ZipFile(part.toFile())) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private Service newService() throws Exception {
        String name = identity.name();
        String className = code.className();
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        Class<?> type;
        try {
            type = Class.forName(className, true, loader);
        } catch (ClassNotFoundException e) {
            throw new ServiceException("service " + name + " is of class " + className
                    + ", which is not on its class path: " + classPath());
        }
        if (!Service.class.isAssignableFrom(type)) {
            throw new ServiceException(
                    "service " + name + " is of class " + className + ", which does not implement " + Service.class);
        }
        try {
            var constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return (Service) constructor.newInstance();
        } catch (NoSuchMethodException e) {
            throw new ServiceException("service " + name + " is of class " + className
                    + ", which has no constructor without parameters");
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }
}
