package dev.sennit.service;

import dev.sennit.internal.linux.ProcessTitle;
import dev.sennit.process.ParentProcess;
import dev.sennit.process.WorkerProcess;
import java.io.Serial;
import java.io.Serializable;
import java.lang.reflect.InvocationTargetException;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the process of a Java service runs.
 *
 * @param manager the name of the service's manager
 * @param name the service's name
 * @param id the worker's number
 * @param generation the service's generation
 * @param service the service; null for one that is made here
 * @param className the class of which it is made; null if it is given
 * @param saysWhenReady whether the service itself says that it is ready
 * @param beat the time between two heartbeats; zero for none
 * @param stopLimit how long it has to end, when it is not the manager that asks
 * @param listener how it gets its listener; null if it has none
 * @param values what its settings give it
 */
record ServiceMain(
        String manager,
        String name,
        int id,
        long generation,
        @Nullable Service service,
        @Nullable String className,
        boolean saysWhenReady,
        Duration beat,
        Duration stopLimit,
        @Nullable WorkerListener listener,
        Map<String, Serializable> values)
        implements WorkerProcess.Main {
    @Serial
    private static final long serialVersionUID = 1L;

    /**
     * Runs the service, and ends the process: threads that it left behind must not keep a worker that does nothing.
     */
    @Override
    @SuppressWarnings("SystemExitOutsideMain") // it is the main of its process
    public void run() {
        int code = 1;
        ProcessTitle.set(manager + ": " + name + " worker(" + id + ")");
        try {
            ParentProcess parent = WorkerProcess.parent().orElseThrow();
            var worker = new RunningService(this, parent);
            code = runIn(worker);
        } catch (Throwable e) {
            e.printStackTrace();
        } finally {
            System.exit(code);
        }
    }

    private int runIn(RunningService worker) throws Exception {
        Service made = service != null ? service : newService();
        worker.begin(made);
        try {
            worker.listen();
            made.initialize(worker);
            if (!saysWhenReady) {
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

    private Service newService() throws Exception {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        Class<?> type;
        try {
            type = Class.forName(className, true, loader);
        } catch (ClassNotFoundException e) {
            throw new ServiceException("service " + name + " is of class " + className
                    + ", which is not on its class path: " + System.getProperty("java.class.path"));
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
