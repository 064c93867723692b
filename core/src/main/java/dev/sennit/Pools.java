package dev.sennit;

import dev.sennit.internal.Nearest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * Opens pools by plan: the entry point of this library.
 *
 * {@snippet :
 * try (Pool pool = Pools.open("processes:2?backlog=100&full=reject")) {
 *     System.out.println(pool.submit(() -> ProcessHandle.current().pid()).join());
 * }
 * }
 *
 * <table class="striped">
 * <caption>Plans</caption>
 * <thead><tr><th scope="col">plan</th><th scope="col">runs tasks</th><th scope="col">built by</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">{@code inline}</th><td>in the calling thread, one after
 *     another</td><td>{@link InlinePool}</td></tr>
 * <tr><th scope="row">{@code threads[:N]}</th><td>on N platform threads; default one a processor</td>
 *   <td>{@link ThreadPool#builder}</td></tr>
 * <tr><th scope="row">{@code threads:MIN-MAX}</th><td>on platform threads that come and go with the load</td>
 *   <td>{@link ThreadPool.Builder#workers(int, int)}</td></tr>
 * <tr><th scope="row">{@code virtual[:N]}</th><td>on a virtual thread each, at most N at a time; default no limit</td>
 *   <td>{@link VirtualPool#builder}</td></tr>
 * <tr><th scope="row">{@code processes[:N]}</th><td>in N worker JVMs; default one a processor</td>
 *   <td>{@code dev.sennit.process.ProcessPool}</td></tr>
 * </tbody>
 * </table>
 *
 * <p>Every option of a kind's builder can be written in the plan. All kinds but {@code inline} take {@code name},
 * {@code backlog} and {@code full}. Other artifacts on the class path or module path add kinds: see
 * {@link PoolProvider}.
 */
public final class Pools {
    private Pools() {}

    /**
     * Opens a pool.
     *
     * @param plan such as {@code threads:8}
     * @return an open pool
     * @throws IllegalArgumentException if the kind is unknown, or does not take the plan's argument or options; the
     *     message tells what was expected
     */
    public static Pool open(String plan) {
        return open(Plan.parse(plan));
    }

    /**
     * Opens a pool.
     *
     * @param plan the plan
     * @return an open pool
     * @throws IllegalArgumentException as {@link #open(String)}
     */
    public static Pool open(Plan plan) {
        Map<String, PoolProvider> providers = providers();
        PoolProvider provider = providers.get(plan.kind());
        if (provider == null) {
            ensureRegistered(providers, plan);
            List<String> forms = new ArrayList<>();
            providers.values().forEach(known -> forms.add(known.syntax()));
            throw new IllegalArgumentException("unknown plan \"" + plan + "\": expected " + String.join(", ", forms)
                    + Nearest.to(plan.kind(), providers.keySet())
                            .map(kind -> "; did you mean "
                                    + new Plan(kind, plan.argument(), plan.options()) + "?")
                            .orElse(""));
        }
        return provider.open(plan);
    }

    /** Throws if the service file of this library is missing: a tool that merges or relocates jars may have lost it. */
    private static void ensureRegistered(Map<String, PoolProvider> providers, Plan plan) {
        if (providers.values().stream().noneMatch(InlinePool.Provider.class::isInstance)) {
            throw new IllegalArgumentException("unknown plan \"" + plan + "\": META-INF/services/"
                    + PoolProvider.class.getName()
                    + " does not name the kinds of this library; have the tool that made the jar merge and rename "
                    + "service files (maven-shade-plugin: ServicesResourceTransformer)");
        }
    }

    /**
     * Returns the kinds that can be opened here.
     *
     * @return the first words of their plans, in the order they were found
     */
    public static List<String> kinds() {
        return List.copyOf(providers().keySet());
    }

    private static Map<String, PoolProvider> providers() {
        Map<String, PoolProvider> providers = new LinkedHashMap<>();
        for (PoolProvider provider : ServiceLoader.load(PoolProvider.class, Pools.class.getClassLoader())) {
            providers.putIfAbsent(provider.kind(), provider);
        }
        for (PoolProvider provider : ServiceLoader.load(PoolProvider.class)) { // those of the application's own loader
            providers.putIfAbsent(provider.kind(), provider);
        }
        return providers;
    }
}
