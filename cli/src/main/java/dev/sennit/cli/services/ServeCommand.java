package dev.sennit.cli.services;

import dev.sennit.cli.command.CommandException;
import dev.sennit.cli.command.Terminal;
import dev.sennit.cli.command.UserCode;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.server.ServerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
                    + "them when they have answered; TTIN and TTOU start one more or less. sennit services status, "
                    + "reload, scale, logs and stop speak to it from another terminal."
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
            "  SENNIT_CLASSPATH=target/classes sennit serve com.acme.Shop"
        })
public final class ServeCommand implements Callable<Integer> {
    private static final int MOST_WORKERS = 1000;

    @Parameters(paramLabel = "APPLICATION", description = "A class, a jar or a WAR.")
    private String application = ""; // picocli sets it

    @Option(names = "--workers", paramLabel = "N", defaultValue = "2",
            description = "How many processes serve; default 2, so that one serves while the other is replaced.")
    private int workers;

    @Option(names = "--on", paramLabel = "PLAN", defaultValue = "virtual",
            description = "What handlers run on: virtual[:N] or threads:N, N requests at a time in each worker; "
                    + "default virtual:256.")
    private String on = "";

    @Option(names = "--listen", paramLabel = "HOST:PORT", defaultValue = "127.0.0.1:8080",
            description = "Where to listen; port 0 is any free port; default 127.0.0.1:8080, which only this machine "
                    + "reaches.")
    private String listen = "";

    public ServeCommand(Terminal terminal) {
        // all that it says is the log
    }

    @Override
    public Integer call() {
        ListenerAddress.Tcp address;
        ServerSettings settings;
        if (workers < 1 || workers > MOST_WORKERS) {
            throw CommandException.usage("--workers must be from 1 to " + MOST_WORKERS + ", was " + workers);
        }
        try {
            address = ListenerAddress.Tcp.parse(listen);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--listen " + e.getMessage(), e);
        }
        try {
            settings = ServerSettings.DEFAULTS.on(on);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--" + e.getMessage(), e);
        }
        if (WarFile.isNamed(application)) {
            Path war = Path.of(application).toAbsolutePath().normalize();
            String obstacle = WarFile.obstacle(war);
            if (obstacle != null) {
                throw CommandException.usage(obstacle);
            }
            try (UserCode none = UserCode.of("")) {
                return run(text(WarFile.title(war), war.toString(), List.of(), address, settings), none);
            }
        }
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
            String title = className.substring(className.lastIndexOf('.') + 1);
            return run(text(title, className, parts, address, settings), code);
        }
    }

    private static Integer run(String text, UserCode code) {
        @Nullable Path folder = null;
        try {
            folder = MeetingFolder.create();
            Path file = folder.resolve("serve.toml");
            Files.writeString(file, text);
            return ServicesRun.serve(ServicesFile.read(file), code::classPath);
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

    /** Returns the file of services that serves the application. */
    private String text(
            String title, String served, List<Path> parts, ListenerAddress.Tcp address, ServerSettings settings) {
        String classPath = parts.stream().map(part -> quoted(part.toString())).collect(Collectors.joining(", "));
        return """
                name = %s
                [listeners.web]
                tcp = %s
                [services.web]
                application = %s
                %s
                listener = "web"
                workers = %d
                directory = %s
                http = { on = %s }
                """.formatted(quoted(title), quoted(address.toString()), quoted(served),
                parts.isEmpty() ? "" : "classpath = [" + classPath + "]", workers,
                quoted(Path.of("").toAbsolutePath().toString()), quoted(settings.on()));
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
