package dev.sennit.internal;

import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;

/**
 * The library's MBeans, for a library whose class loader no MBean server knows: nobody can make one from outside, by the name of its
 * class, as tools do where the library is on the class path or the module path. So it registers them itself, but not before there is
 * a server, which is when somebody looks into this JVM.
 *
 * <p>A runtime image may be without {@code java.management}: this class can be loaded there, and names no exception of that module.
 */
public final class Beans {
    private static final ClassLoader LOADER = Beans.class.getClassLoader();
    /** Guarded by the class's lock. What there is to look at, by object name. */
    private static final Map<String, Supplier<?>> OFFERED = new LinkedHashMap<>();
    /** Guarded by the class's lock. Those that are registered, or could not be. */
    private static final Map<String, ObjectName> REGISTERED = new HashMap<>();

    private Beans() {}

    /**
     * Whether the library has to register its beans itself.
     *
     * @return false where somebody else can make them, or nobody
     */
    public static boolean areOurs() {
        return Management.isThere() && LOADER != ClassLoader.getSystemClassLoader();
    }

    /**
     * Offers a bean, which is made when somebody looks.
     *
     * @param name its object name, to which the loader is added
     * @param bean makes one
     */
    public static synchronized void offer(String name, Supplier<?> bean) {
        OFFERED.put(name, bean);
    }

    /**
     * Registers what is offered and is not registered, if there is a server. To be called now and then.
     *
     * @throws Exception if the server does not want one
     */
    public static void registerIfAskedFor() throws Exception {
        Map<String, Supplier<?>> wanted = new LinkedHashMap<>();
        synchronized (Beans.class) {
            if (!areOurs()
                    || OFFERED.keySet().equals(REGISTERED.keySet())
                    || MBeanServerFactory.findMBeanServer(null).isEmpty()) {
                return;
            }
            for (var offered : OFFERED.entrySet()) {
                if (!REGISTERED.containsKey(offered.getKey())) {
                    REGISTERED.put(offered.getKey(), nameOf(offered.getKey()));
                    wanted.put(offered.getKey(), offered.getValue());
                }
            }
        }
        for (var bean : wanted.entrySet()) { // without the lock: the server has listeners of the application
            ManagementFactory.getPlatformMBeanServer().registerMBean(bean.getValue().get(), nameOf(bean.getKey()));
        }
    }

    private static ObjectName nameOf(String offered) throws Exception {
        return new ObjectName(offered + ",loader=" + Integer.toHexString(System.identityHashCode(LOADER)));
    }

    /**
     * Takes a bean back, so that the library's loader can be let go of.
     *
     * @param name as it was offered
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
                // it was not, or is not any more
            }
        }
    }
}
