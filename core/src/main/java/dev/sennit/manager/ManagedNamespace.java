package dev.sennit.manager;

import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Names with values in a manager, such as settings that several processes read: what Python calls a {@code Namespace}.
 *
 * {@snippet :
 * try (ManagerServer manager = ManagerServer.local();
 *         Pool pool = Pools.open("processes:1")) {
 *     ManagedNamespace settings = manager.client().newNamespace();
 *     settings.set("limit", 10);
 *     System.out.println(pool.submit(() -> 2 * settings.get("limit", Integer.class)).get()); // 20
 * }
 * }
 *
 * <p>A value may be null, which differs from a name that has none; that is what it offers over a {@link ManagerClient#newMap map}. What
 * comes out is a copy. Each method is one call, and atomic; to change a value by what it was, use a {@link ManagedValue}.
 */
public interface ManagedNamespace {
    /**
     * The value of a name.
     *
     * @param name the name
     * @return a copy of the value
     * @throws NoSuchElementException if the name has none
     */
    @Nullable Object get(String name);

    /**
     * The value of a name, which is of a type, or null.
     *
     * @param name the name
     * @param type the type of the value; of numbers and the like, the class of the object: {@code Integer.class}
     * @param <T> the type
     * @return a copy of the value
     * @throws NoSuchElementException if the name has none
     * @throws ClassCastException if the value is of another type; says of which
     */
    default <T> @Nullable T get(String name, Class<T> type) {
        Object value = get(name);
        if (value != null && !type.isInstance(value)) {
            throw new ClassCastException("\"" + name + "\" is a " + value.getClass().getName() + ", not a " + type.getName());
        }
        return type.cast(value);
    }

    /**
     * Gives a name a value.
     *
     * @param name the name
     * @param value what is copied there
     */
    void set(String name, @Nullable Object value);

    /**
     * Takes its value from a name.
     *
     * @param name the name
     * @return whether it had one
     */
    boolean delete(String name);

    /**
     * Whether a name has a value, which may be null.
     *
     * @param name the name
     * @return true if so
     */
    boolean has(String name);

    /**
     * All names and their values, at one moment.
     *
     * @return a copy, by name
     */
    Map<String, @Nullable Object> toMap();
}
