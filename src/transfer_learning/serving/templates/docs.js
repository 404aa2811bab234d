// Swagger UI of this server's own description.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger", deepLinking: true });
