package dev.sennit.cli.services;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.command.UserCode;
import dev.sennit.internal.Durations;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.server.ServerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sennit serve}: serves an application, by a file of services that it writes for itself. */
@Command(
        name = "serve",
        header = "Serves an application over HTTP, in workers that are replaced without a lost request.",
        description = {
            "APPLICATION is a class on SENNIT_CLASSPATH, or a jar whose Main-Class names it: a "
                    + "dev.sennit.server.WebApplication, a com.sun.net.httpserver.HttpHandler or a "
                    + "jakarta.servlet.Servlet. Or it is a WAR, or the folder with its content. "
                    + "docs/guides/serving.md tells how requests are answered, and lists the limits; other limits need "
                    + "a file, for sennit services.",
            "",
            "Signals: HUP replaces the workers, one by one, by such of the classes as they are now; TERM and INT stop "
                    + "them when they have answered; TTIN and TTOU start one more or less; USR2 starts this command "
                    + "once more, which takes over without a lost request. sennit services status, reload, scale, "
                    + "handover, logs and stop speak to it from another terminal."
        },
        sortOptions = false,
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all workers have ended in time",
            "1:a worker was killed or had failed",
            "2:bad usage, or there is no such application",
            "3:could not start: the port is taken, for example, or each worker died before it was ready"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sennit serve app.jar",
            "  sennit serve shop.war",
            "  sennit serve app.jar --workers 4 --on threads:16 --listen 0.0.0.0:80",
            "  SENNIT_CLASSPATH=target/classes sennit serve com.acme.Shop",
            "  sennit serve --files public"
        })
public final class ServeCommand implements Callable<Integer> {
    private static final int MOST_WORKERS = 1000;
    private static final int LONGEST_NAME = 64;
    private static final String UNIX = "unix:";

    @Parameters(arity = "0..1", paramLabel = "APPLICATION", description = "A class, a jar or a WAR.")
    private String application = ""; // picocli sets it

    @Option(names = "--workers", paramLabel = "N", defaultValue = "2",
            description = "How many processes serve; default 2, so that one serves while the other is replaced.")
    private int workers;

    @Option(names = "--on", paramLabel = "PLAN", defaultValue = "virtual",
            description = "The threads of handlers: virtual[:N], threads:N or loop[:N], N requests at a time in each "
                    + "worker; default virtual:256.")
    private String on = "";

    @Option(names = "--listen", paramLabel = "ADDRESS", defaultValue = "127.0.0.1:8080",
            description = "Where to listen: HOST:PORT, with port 0 for any free one, or unix:PATH, a Unix socket; "
                    + "default 127.0.0.1:8080, which only this machine reaches.")
    private String listen = "";

    @Option(names = "--socket-mode", paramLabel = "MODE",
            description = "Who may connect to the Unix socket, such as 0660; default: as the umask says.")
    private @Nullable String socketMode;

    @Option(names = "--metrics", paramLabel = "HOST:PORT",
            description = "Serve /metrics, /healthz and /readyz there; default: nowhere.")
    private @Nullable String metrics;

    @Option(names = "--pre-stop", paramLabel = "TIME", defaultValue = "0s",
            description = "How long to serve on after TERM while /readyz says no already; default 0s.")
    private String preStop = "";

    @Option(names = "--files", paramLabel = "FOLDER",
            description = "Serves the files of a folder, in the place of an application.")
    private @Nullable String files;

    @Option(names = "--tls-certificate", paramLabel = "FILE",
            description = "Serves over TLS, with this certificate in PEM, and behind it those that signed it. May be "
                    + "given several times, for several names.")
    private List<String> tlsCertificates = List.of();

    @Option(names = "--tls-key", paramLabel = "FILE",
            description = "The private key of the certificate, in PEM (BEGIN PRIVATE KEY); one for each.")
    private List<String> tlsKeys = List.of();

    @Option(names = "--tls-keystore", paramLabel = "FILE",
            description = "A PKCS12 store with certificate and key, in their place.")
    private List<String> tlsStores = List.of();

    @Option(names = "--tls-password-file", paramLabel = "FILE",
            description = "A file whose first line is the password of keys and stores.")
    private @Nullable String tlsPassword;

    @Option(names = Invocation.TAKE_OVER, paramLabel = "PROCESS",
            description = "Take the listener of another sennit serve, by the number of its process or the path of its "
                    + "control socket; it stops when all workers are ready.")
    private @Nullable String takeOver;

    public ServeCommand(Terminal terminal) {
        // all that it says is the log
    }

    /** The options that every kind of application shares, checked. */
    private record Front(ListenerAddress address, String on, String tls) {}

    @Override
    public Integer call() {
        Front front = front();
        String folder = files;
        if (application.isEmpty() == (folder == null)) {
            throw CommandException.usage("sennit serve takes an APPLICATION or --files FOLDER; name one of them");
        }
        if (folder != null) {
            return serveFiles(folder, front);
        }
        return WarFile.isNamed(application) ? serveWar(front) : serveClass(front);
    }

    private Front front() {
        if (workers < 1 || workers > MOST_WORKERS) {
            throw CommandException.usage("--workers must be from 1 to " + MOST_WORKERS + ", was " + workers);
        }
        ListenerAddress address;
        try {
            address = address();
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--listen " + e.getMessage(), e);
        }
        ensureManager();
        try {
            return new Front(address, ServerSettings.DEFAULTS.on(on).on(), tls());
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--" + e.getMessage(), e);
        }
    }

    private Integer serveFiles(String folder, Front front) {
        String served = "files = " + quoted(folder(folder));
        try (UserCode code = UserCode.of("")) {
            return run(text("files", served, front), code);
        }
    }

    private Integer serveWar(Front front) {
        Path war = Path.of(application).toAbsolutePath().normalize();
        String obstacle = WarFile.obstacle(war);
        if (obstacle != null) {
            throw CommandException.usage(obstacle);
        }
        String served = "application = " + quoted(war.toString());
        try (UserCode code = UserCode.of("")) {
            return run(text(WarFile.title(war), served, front), code);
        }
    }

    /** Serves a class of a jar, or of the class path of the environment. */
    private Integer serveClass(Front front) {
        boolean isJar = application.toLowerCase(Locale.ROOT).endsWith(".jar");
        try (UserCode code = isJar ? UserCode.of("") : UserCode.ofEnvironment()) {
            Path jar = isJar ? Path.of(application).toAbsolutePath().normalize() : null;
            String className = jar == null ? application : mainClass(jar);
            List<Path> parts = jar == null ? code.parts() : List.of(jar);
            if (parts.isEmpty()) {
                throw CommandException.usage("there is no class path for class " + className + ": set "
                        + UserCode.VARIABLE + ", or name a jar");
            }
            String obstacle = ServiceClass.obstacleOfApplication(className, parts);
            if (obstacle != null) {
                throw CommandException.usage(obstacle);
            }
            String simple = className.substring(className.lastIndexOf('.') + 1);
            String served = "application = " + quoted(className) + "\nclasspath = " + list(parts);
            return run(text(simple, served, front), code);
        }
    }

    private void ensureManager() {
        try {
            Durations.parse("--pre-stop", preStop);
            if (metrics != null) {
                ListenerAddress.Tcp.parse(metrics);
            }
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            throw CommandException.usage(message.startsWith("--") ? message : "--metrics " + message, e);
        }
    }

    private Integer run(String text, UserCode code) {
        @Nullable Path folder = null;
        try {
            Path former = takeOver == null ? null : ServicesControl.controlOf(takeOver);
            folder = MeetingFolder.create();
            Path file = folder.resolve("serve.toml");
            Files.writeString(file, text);
            return ServicesRun.serve(ServicesFile.read(file), code::classPath, former);
        } catch (ServicesFileException e) { // its values were checked
            throw CommandException.usage(String.join("; ", e.problems()), e);
        } catch (IOException e) {
            throw CommandException.couldNotStart(CommandException.oneLine(e), e);
        } catch (InterruptedException e) {
            throw CommandException.failed("interrupted", e);
        } finally {
            if (folder != null) {
                MeetingFolder.remove(folder);
            }
        }
    }

    private static String mainClass(Path jar) {
        try (var opened = new JarFile(jar.toFile())) {
            Manifest manifest = opened.getManifest();
            String name = manifest == null ? null : manifest.getMainAttributes().getValue(Attributes.Name.MAIN_CLASS);
            if (name == null) {
                throw CommandException.usage("the manifest of " + jar + " has no Main-Class: it has to name the "
                        + "application; jar --create --main-class writes it");
            }
            return name;
        } catch (IOException e) {
            throw CommandException.usage("jar " + jar + (Files.exists(jar)
                    ? " cannot be read (" + CommandException.oneLine(e) + "): build or copy it again"
                    : " is not there: correct the path, or build it first"), e);
        }
    }

    /** Returns the line of the file for certificates; they can be read. */
    private String tls() {
        String password = tlsPassword;
        if (tlsCertificates.isEmpty() && tlsKeys.isEmpty() && tlsStores.isEmpty() && password == null) {
            return "";
        }
        try {
            TlsReader.settings(absolute(tlsCertificates), absolute(tlsKeys), absolute(tlsStores),
                    password == null ? null : Path.of(password)).check();
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("TLS " + e.getMessage() + ": see sennit serve --help", e);
        } catch (IOException e) {
            throw CommandException.couldNotStart(String.valueOf(e.getMessage()), e);
        }
        return "\ntls = { certificate = " + list(absolute(tlsCertificates)) + ", key = " + list(absolute(tlsKeys))
                + ", keystore = " + list(absolute(tlsStores))
                + (password == null ? "" : ", password-file = " + quoted(Path.of(password).toAbsolutePath().toString()))
                + " }";
    }

    private static List<Path> absolute(List<String> files) {
        return files.stream().map(file -> Path.of(file).toAbsolutePath()).toList();
    }

    private static String list(List<Path> files) {
        return files.stream()
                .map(file -> quoted(file.toString()))
                .collect(Collectors.joining(", ", "[", "]"));
    }

    private static String folder(String name) {
        Path folder = Path.of(name).toAbsolutePath().normalize();
        if (!Files.isDirectory(folder)) {
            throw CommandException.usage("--files must be a folder that exists, was " + name);
        }
        return folder.toString();
    }

    /**
     * Returns the file of services that serves what is asked for.
     *
     * @param served the lines that name it
     */
    private String text(String name, String served, Front front) {
        return """
                name = %s
                %s[listeners.web]
                %s
                [services.web]
                %s
                listener = "web"
                workers = %d
                directory = %s
                http = { on = %s }
                """.formatted(quoted(managerName(name)), manager(), listener(front.address()), served + front.tls(),
                workers,
                quoted(Path.of("").toAbsolutePath().toString()), quoted(front.on()));
    }

    /** Returns a name that a manager may have for a file or a class that may have any. */
    static String managerName(String name) {
        String plain = name.replaceAll("[^A-Za-z0-9._-]", "-").replaceFirst("^[^A-Za-z0-9]+", "");
        return plain.isEmpty() ? "app" : plain.substring(0, Math.min(LONGEST_NAME, plain.length()));
    }

    private ListenerAddress address() {
        if (!listen.startsWith(UNIX)) {
            if (socketMode != null) {
                throw CommandException.usage("--socket-mode is for --listen unix:PATH; leave it out");
            }
            return ListenerAddress.Tcp.parse(listen);
        }
        String text = listen.substring(UNIX.length());
        Path path = Path.of(text).toAbsolutePath().normalize();
        var mode = socketMode == null ? null : mode(socketMode);
        if (text.isEmpty() || ListenerAddress.UnixSocket.isTooLong(path)) {
            throw new IllegalArgumentException("must be unix: and a path of at most "
                    + ListenerAddress.UnixSocket.LONGEST + " bytes, was " + Problems.quoted(listen));
        }
        return new ListenerAddress.UnixSocket(path, mode);
    }

    private static Set<PosixFilePermission> mode(String text) {
        try {
            return ListenerAddress.UnixSocket.mode(text);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--socket-mode " + e.getMessage() + ", was " + Problems.quoted(text), e);
        }
    }

    /** Returns what the file says of the manager itself, beside its name. */
    private String manager() {
        String pages = metrics;
        return "pre-stop = " + quoted(preStop) + "\n"
                + (pages == null ? "" : "metrics = { address = " + quoted(pages) + " }\n");
    }

    private String listener(ListenerAddress address) {
        return (address instanceof ListenerAddress.UnixSocket ? "unix = " : "tcp = ") + quoted(address.toString())
                + (socketMode == null ? "" : "\nmode = " + quoted(socketMode));
    }

    /** Returns a text as TOML has it, without variables in it. */
    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> {
            if (c < ' ' || c == '"' || c == '\\' || c == 127) {
                quoted.append(String.format("\\u%04x", c));
            } else {
                quoted.append((char) c);
            }
        });
        return quoted.append('"').toString().replace("${", "$${");
    }
}
