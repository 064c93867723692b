package dev.sennit.internal;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;

/**
 * Registers the library's MBeans if MBean servers do not know the library's class loader: then tools cannot create the
 * beans by class name, as they do if the library is on the class path or the module path. The beans are registered only
 * once there is an MBean server, that is, when a tool has connected to this JVM.
 *
 * <p>A runtime image may lack {@code java.management}: this class can be loaded there, as it names no exception of that
 * module.
 */
public final class Beans {
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(1);
    private static final ClassLoader LOADER = Beans.class.getClassLoader();
    /** Guarded by the class's lock. The suppliers of the offered beans, by object name. */
    private static final Map<String, Supplier<?>> OFFERED = new LinkedHashMap<>();
    /** Guarded by the class's lock. Whether beans that were offered for a while are wanted, by object name. */
    private static final Map<String, BooleanSupplier> WANTED = new LinkedHashMap<>();
    /** Guarded by the class's lock. Whether there will be a look at {@link #WANTED} and for an MBean server. */
    private static boolean looks;
    /** Guarded by the class's lock. The beans that were registered, or could not be. */
    private static final Map<String, ObjectName> REGISTERED = new HashMap<>();

    private Beans() {}

    /**
     * Returns whether the library has to register its beans itself.
     *
     * @return false if tools can create them, or if this JVM has no MBeans
     */
    public static boolean areOurs() {
        return LOADER != ClassLoader.getSystemClassLoader() && Management.isThere();
    }

    /**
     * Offers a bean, which is created when it is registered.
     *
     * @param name its object name, to which the loader is added
     * @param bean creates the bean
     */
    public static synchronized void offer(String name, Supplier<?> bean) {
        OFFERED.put(name, bean);
    }

    /**
     * Offers a bean while it is wanted, and sees to its registration. Does nothing if tools can create the bean.
     *
     * @param name its object name, to which the loader is added
     * @param bean creates the bean
     * @param isWanted is asked now and then, until it says no
     */
    public static void offerWhile(String name, Supplier<?> bean, BooleanSupplier isWanted) {
        if (!areOurs()) {
            return;
        }
        synchronized (Beans.class) {
            OFFERED.put(name, bean);
            WANTED.put(name, isWanted);
            lookLater();
        }
    }

    /** With the class's lock. */
    private static void lookLater() {
        if (looks) {
            return;
        }
        looks = true;
        try {
            Timers.after(BETWEEN_LOOKS, Beans::look);
        } catch (Throwable e) { // no timer available: the next offer tries again
            looks = false;
        }
    }

    private static void look() {
        try {
            registerIfAskedFor();
            withdrawUnwanted();
        } catch (Exception | LinkageError e) {
            Uncaught.log("the library cannot be looked at from outside", e);
        } finally { // also if no thread is available for what a bean starts or stops
            synchronized (Beans.class) {
                looks = false;
                if (!WANTED.isEmpty()) {
                    lookLater();
                }
            }
        }
    }

    private static void withdrawUnwanted() {
        Map<String, BooleanSupplier> wanted;
        Map<String, Supplier<?>> offered;
        synchronized (Beans.class) {
            wanted = new LinkedHashMap<>(WANTED);
            offered = new LinkedHashMap<>(OFFERED);
        }
        wanted.forEach((name, isWanted) -> {
            if (!isWanted.getAsBoolean()) {
                synchronized (Beans.class) {
                    WANTED.remove(name);
                }
                withdraw(name);
                Supplier<?> bean = offered.get(name);
                if (bean != null && isWanted.getAsBoolean()) { // since a moment ago
                    offerWhile(name, bean, isWanted);
                }
            }
        });
    }

    /**
     * Registers the offered beans that are not registered, if there is an MBean server. To be called now and then.
     *
     * @throws Exception if the server refuses a bean
     */
    public static void registerIfAskedFor() throws Exception {
        Map<ObjectName, Supplier<?>> wanted = new LinkedHashMap<>();
        synchronized (Beans.class) {
            if (!areOurs()
                    || OFFERED.keySet().equals(REGISTERED.keySet())
                    || MBeanServerFactory.findMBeanServer(null).isEmpty()) {
                return;
            }
            for (var offered : OFFERED.entrySet()) {
                if (!REGISTERED.containsKey(offered.getKey())) {
                    ObjectName name = nameOf(offered.getKey(), OFFERED.size());
                    REGISTERED.put(offered.getKey(), name);
                    wanted.put(name, offered.getValue());
                }
            }
        }
        Exception refused = null;
        for (var bean : wanted.entrySet()) { // without the lock: the server has listeners of the application
            try {
                ManagementFactory.getPlatformMBeanServer().registerMBean(bean.getValue().get(), bean.getKey());
            } catch (Exception e) { // the others are registered all the same
                refused = e;
            }
        }
        if (refused != null) {
            throw refused;
        }
    }

    /** A reader sees by the name how many beans of this copy there are, as they come one after another. */
    private static ObjectName nameOf(String offered, int beans) throws Exception {
        return new ObjectName(
                offered + ",loader=" + Integer.toHexString(System.identityHashCode(LOADER)) + '-' + beans);
    }

    /**
     * Withdraws a bean, so that the library's loader can be unloaded.
     *
     * @param name the name under which it was offered
     */
    public static void withdraw(String name) {
        ObjectName registered;
        synchronized (Beans.class) {
            OFFERED.remove(name);
            registered = REGISTERED.remove(name);
        }
        if (registered != null) {
            try {
                ManagementFactory.getPlatformMBeanServer().unregisterMBean(registered);
            } catch (Exception e) {
                // it was not registered, or is not any more
            }
        }
    }
}
