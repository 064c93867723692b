package dev.sennit.cli.services;

import dev.sennit.server.TlsSettings;
import dev.sennit.service.ServiceSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A file of services, read and checked whole. Immutable.
 *
 * @param path where it was read from, absolute
 * @param name what the manager is called
 * @param control the manager's control socket
 * @param log where the workers' lines go
 * @param preStop how long all goes on after an order to stop, while the manager says that it is not ready
 * @param metrics where figures are served over HTTP; null for nowhere
 * @param listeners by name, in the order of the file
 * @param queues by name: shared queues that all Java services have
 * @param services in the order of the file; each {@code after} is there, and there is no circle
 * @param servlets the names of those that serve Servlets
 * @param texts what the file says of each service, by its name: equal texts make equal settings
 * @param certificates where those of its servers are; their files are not read
 */
public record ServicesFile(
        Path path,
        String name,
        Path control,
        Log log,
        Duration preStop,
        ListenerAddress.@Nullable Tcp metrics,
        Map<String, ListenerAddress> listeners,
        Map<String, Queue> queues,
        List<ServiceSettings> services,
        Set<String> servlets,
        Map<String, String> texts,
        List<TlsSettings> certificates) {
    /** The form of a line that is logged. */
    public enum LogFormat {
        /** For people. */
        TEXT,
        /** One object a line. */
        JSON
    }

    /**
     * Where the workers' lines go, and in which form.
     *
     * @param format the form
     * @param file absolute; null for standard output
     */
    public record Log(LogFormat format, @Nullable Path file) {}

    /**
     * A queue that all workers of Java services share.
     *
     * @param capacity how many elements may be in
     * @param memory how many bytes they may have together
     * @param allowed the classes whose instances may come out, beside the JDK's plain values
     */
    public record Queue(int capacity, long memory, List<String> allowed) {}

    /**
     * Reads a file. Starts nothing, binds nothing and looks up no names; variables come from the environment of this
     * process.
     *
     * @param file in TOML 1.0
     * @return what it says
     * @throws ServicesFileException with all that is wrong with it
     */
    public static ServicesFile read(Path file) throws ServicesFileException {
        return read(file, System.getenv(), Runtime.getRuntime().availableProcessors());
    }

    /**
     * Reads a file, and looks whether the programs and classes are there which it names. A manager that does not find
     * one tries again, as it may come.
     *
     * @param file in TOML 1.0
     * @return what it says
     * @throws ServicesFileException with all that is wrong with it
     */
    public static ServicesFile check(Path file) throws ServicesFileException {
        return new ServicesFileReader(file, System.getenv(), Runtime.getRuntime().availableProcessors(), true).read();
    }

    /**
     * Returns the control socket that a file names. All else in it may be wrong: the services of an older form of it
     * may run.
     *
     * @param file in TOML 1.0
     * @return its path, which need not be there
     * @throws ServicesFileException if the file cannot be read, or does not say it
     */
    public static Path controlOf(Path file) throws ServicesFileException {
        return new ServicesFileReader(file, System.getenv(), 1, false).readControl();
    }

    static ServicesFile read(Path file, Map<String, String> environment, int processors) throws ServicesFileException {
        return new ServicesFileReader(file, environment, processors, false).read();
    }

    /**
     * How many workers all services have at first.
     *
     * @return the sum
     */
    public int workers() {
        return services.stream().mapToInt(ServiceSettings::workers).sum();
    }
}
