package dev.sennit.queue;

import java.io.Serializable;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A generic type that can travel to a worker process: those of the JDK cannot. */
record KeptType(Class<?> raw, @Nullable Class<?> owner, Type[] arguments) implements ParameterizedType, Serializable {
    /** Returns a type that can travel. */
    static Type of(Type type) {
        return switch (type) {
            case ParameterizedType generic -> new KeptType((Class<?>) generic.getRawType(),
                    generic.getOwnerType() instanceof Class<?> outer ? outer : null,
                    Arrays.stream(generic.getActualTypeArguments()).map(KeptType::of).toArray(Type[]::new));
            case WildcardType wildcard -> of(wildcard.getUpperBounds()[0]);
            case TypeVariable<?> variable -> of(variable.getBounds()[0]);
            case GenericArrayType array -> rawOf(of(array.getGenericComponentType())).arrayType();
            default -> type;
        };
    }

    private static Class<?> rawOf(Type type) {
        return type instanceof KeptType kept ? kept.raw : (Class<?>) type;
    }

    @Override
    public Type[] getActualTypeArguments() {
        return arguments.clone();
    }

    @Override
    public Type getRawType() {
        return raw;
    }

    @Override
    public @Nullable Type getOwnerType() {
        return owner;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ParameterizedType generic && generic.getRawType() == raw
                && Arrays.equals(generic.getActualTypeArguments(), arguments);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(arguments) ^ raw.hashCode();
    }

    @Override
    public String getTypeName() {
        return raw.getName() + Arrays.stream(arguments).map(Type::getTypeName).toList().toString()
                .replace('[', '<').replace(']', '>');
    }

    @Override
    public String toString() {
        return getTypeName();
    }
}
