"""A small invented world to try the service on: documents, a database, and questions."""

from app.demo.world import QUESTIONS, Demonstration, build_database, documents

__all__ = ["QUESTIONS", "Demonstration", "build_database", "documents"]
