package dev.sennit.junit;

import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;

/** Starts the servers of a class with {@link WithServer}, and hands them out. That annotation registers it. */
public final class ServerExtension
        implements ExecutionCondition, BeforeAllCallback, BeforeEachCallback, ParameterResolver {
    private static final ExtensionContext.Namespace SERVERS = ExtensionContext.Namespace.create(ServerExtension.class);
    private static final String OPTIONAL = "sennit.servers.optional";

    /** For JUnit. */
    public ServerExtension() {}

    /** By what a server is found that is started already. */
    private record Wanted(ServerKind kind, List<String> configuration, boolean fsync, boolean shared) {
        Wanted(WithServer said) {
            this(said.value(), List.of(said.configuration()), said.fsync(), said.shared());
        }

        TestServer open() {
            try {
                return TestServer.of(kind)
                        .configuration(configuration.toArray(String[]::new))
                        .fsync(fsync)
                        .open();
            } catch (IOException e) {
                throw new ServerStartException(e.getMessage(), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ServerStartException("interrupted while " + kind + " started", e);
            }
        }
    }

    /** Why a server did not start, out of what computes a value. */
    private static final class ServerStartException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ServerStartException(@Nullable String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Skips a class for want of a server, where that is wanted. */
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (Boolean.getBoolean(OPTIONAL)) {
            for (Wanted wanted : wantedBy(context.getTestClass())) {
                Optional<String> obstacle = wanted.kind().obstacle();
                if (obstacle.isPresent()) {
                    return ConditionEvaluationResult.disabled(obstacle.get());
                }
            }
        }
        return ConditionEvaluationResult.enabled("its servers are installed, or have to be");
    }

    private static List<Wanted> wantedBy(Optional<Class<?>> type) {
        return AnnotationSupport.findRepeatableAnnotations(type, WithServer.class).stream().map(Wanted::new).toList();
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        wantedBy(context.getTestClass()).forEach(wanted -> server(context, wanted));
    }

    private static TestServer server(ExtensionContext context, Wanted wanted) {
        // Surefire with several JVMs gives each class an execution of its own, all of them in one session.
        ExtensionContext.Store store = wanted.shared()
                ? context.getStore(ExtensionContext.StoreScope.LAUNCHER_SESSION, SERVERS)
                : context.getStore(SERVERS);
        return store.computeIfAbsent(wanted, Wanted::open, TestServer.class);
    }

    /** Repairs what the test before has done. */
    @Override
    public void beforeEach(ExtensionContext context) throws IOException, InterruptedException {
        for (Wanted wanted : allWanted(context)) {
            TestServer server = server(context, wanted);
            if (!server.isRunning()) {
                server.start();
            } else if (server.isSuspended()) {
                server.resume();
            }
        }
    }

    /** Those of the class and of the classes around it. */
    private static List<Wanted> allWanted(ExtensionContext context) {
        List<Wanted> all = new ArrayList<>();
        for (ExtensionContext each = context; each != null; each = each.getParent().orElse(null)) {
            for (Wanted wanted : wantedBy(each.getTestClass())) {
                if (!all.contains(wanted)) {
                    all.add(wanted);
                }
            }
        }
        return all;
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == TestServer.class;
    }

    @Override
    public TestServer resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Optional<ServerKind> kind = parameter.findAnnotation(WithServer.class).map(WithServer::value);
        List<Wanted> all = allWanted(context);
        List<Wanted> fitting =
                all.stream().filter(wanted -> kind.isEmpty() || kind.get() == wanted.kind()).toList();
        if (fitting.size() == 1) {
            return server(context, fitting.getFirst());
        }
        String there = all.stream().map(wanted -> wanted.kind().toString()).collect(Collectors.joining(", "));
        String name = parameter.getParameter().getName();
        throw new ParameterResolutionException(fitting.isEmpty()
                ? "no server for parameter " + name + " among those of its class (" + there
                        + "): add @WithServer(ServerKind." + kind.map(Enum::name).orElse("...") + ") to the class"
                : "several servers (" + there + ") for parameter " + name + ": say which, as in"
                        + " @WithServer(ServerKind." + fitting.getFirst().kind().name() + ") TestServer " + name);
    }
}
