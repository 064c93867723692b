package dev.sennit.cli.services;

import dev.sennit.service.ServiceSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A file of services, read and checked whole. Immutable.
 *
 * @param path where it was read from, absolute
 * @param name what the manager is called
 * @param control the manager's control socket
 * @param log where the workers' lines go
 * @param metrics where figures are served over HTTP; null for nowhere
 * @param listeners by name, in the order of the file
 * @param listenerOf the listener's name by that of the service whose workers accept on it
 * @param services in the order of the file; each {@code after} is there, and there is no circle
 */
public record ServicesFile(
        Path path,
        String name,
        Path control,
        Log log,
        ListenerAddress.@Nullable Tcp metrics,
        Map<String, ListenerAddress> listeners,
        Map<String, String> listenerOf,
        List<ServiceSettings> services) {
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

    static ServicesFile read(Path file, Map<String, String> environment, int processors) throws ServicesFileException {
        return new ServicesFileReader(file, environment, processors).read();
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
